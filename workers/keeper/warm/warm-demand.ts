import { PLAIN_LAUNCH } from '../door/protocol';
import { shapeOf, type LaunchShape, type ShapedOptions } from './launch-shape';

/** For how long a launch says something about the next ones. */
export const DEMAND_WINDOW_MS = 600_000;

/**
 * Launches within this time of each other are one burst. A worker orders four at a time, so that a burst without
 * browsers that are ready takes long to be ordered.
 */
export const BURST_MS = 30_000;

/** How much is remembered at most: older launches, and shapes that were not asked for the longest, are forgotten. */
const LAUNCHES_REMEMBERED_MAX = 100;
const SHAPES_REMEMBERED_MAX = 32;

/** How many browsers of a shape may be asked for at once. */
export interface Wanted extends ShapedOptions {
  readonly count: number;
}

interface Asked extends ShapedOptions {
  /** When, oldest first; monotonic milliseconds. */
  readonly atMs: readonly number[];
}

/**
 * What recent launches say about the next ones: of each shape as many as the largest burst of the last ten minutes had,
 * and one of the shape that was asked for last, however long ago that was. Before the first launch it is the plain one.
 */
export class WarmDemand {
  #last: ShapedOptions | null = shapeOf(PLAIN_LAUNCH);
  /** Those that were asked for last are at the end. */
  readonly #asked = new Map<LaunchShape, Asked>();

  /** A launch of this shape was asked for. */
  note({ shape, options }: ShapedOptions, nowMs: number): void {
    const before = this.#asked.get(shape)?.atMs ?? [];
    this.#asked.delete(shape);
    this.#asked.set(shape, { shape, options, atMs: [...before, nowMs].slice(-LAUNCHES_REMEMBERED_MAX) });
    this.#last = { shape, options };
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > SHAPES_REMEMBERED_MAX && oldest !== undefined) this.#asked.delete(oldest);
  }

  /** What to expect, the most wanted first; of equals the one that was asked for last. */
  wanted(nowMs: number): Wanted[] {
    const recent = [...this.#asked.values()].reverse().flatMap(({ atMs, ...shaped }) => {
      const count = largestBurst(atMs.filter(at => nowMs - at <= DEMAND_WINDOW_MS));
      return count === 0 ? [] : [{ ...shaped, count }];
    });
    if (recent.length === 0 && this.#last !== null) recent.push({ ...this.#last, count: 1 });
    return recent.sort((a, b) => b.count - a.count);
  }
}

function largestBurst(atMs: readonly number[]): number {
  const sizes = atMs.map(
    (first, index) => atMs.slice(index).filter(later => later - first <= BURST_MS).length,
  );
  return Math.max(0, ...sizes);
}
