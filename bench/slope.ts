/** How fast something rises, per unit of x, with its 95 % interval. */
export interface Slope {
  readonly value: number;
  readonly interval: readonly [number, number];
}

/** Of the normal distribution: 95 % of it lie within so many deviations. */
const Z = 1.96;

/**
 * The median of the slopes between all pairs of points, with the interval that ranks of the pairs give (Theil and Sen).
 * A few points far off, such as memory right before a collection of garbage, do not move it.
 *
 * @param points - x and y, in the order of x; three or more
 */
export function slopeOf(points: readonly (readonly [number, number])[]): Slope {
  const slopes = points
    .flatMap(([x, y], at) => points.slice(at + 1).map(([laterX, laterY]) => (laterY - y) / (laterX - x)))
    .sort((a, b) => a - b);
  const n = points.length;
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank: number): number =>
    slopes[Math.max(0, Math.min(slopes.length - 1, Math.round(rank)))] ?? Number.NaN;
  return {
    value: at((slopes.length - 1) / 2),
    interval: [at((slopes.length - spread) / 2 - 1), at((slopes.length + spread) / 2)],
  };
}
