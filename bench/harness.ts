/* Shared by all benchmarks: how often to measure, in which order, and how to describe the numbers. */

/** How much a run may cost. */
export interface Plan {
  /** A short run, whose figures are not to be quoted. */
  readonly quick: boolean;
  /** Samples of each series; null: the default of the benchmark. */
  readonly samples: number | null;
  /** Repetitions of what has to succeed every time; null: the default of the benchmark. */
  readonly rounds: number | null;
}

/** One row of the table: what was measured, how often, and every value. */
export interface Series {
  readonly name: string;
  readonly unit: 'ms' | 'µs' | '/s' | '%' | '';
  readonly values: readonly number[];
}

/** One number computed from the series, and whether it is good enough. */
export interface Claim {
  readonly text: string;
  readonly unit: 'ms' | 'µs' | '×' | 'B' | '%' | '';
  readonly value: number;
  /** 95 % interval of the value, where one can be given. */
  readonly interval?: readonly [number, number];
  /** The limit to keep; left out: the number is for information. */
  readonly pass?:
    | { readonly atMost: number }
    | { readonly atLeast: number }
    /** The lower end of the interval is not above this. */
    | { readonly intervalReaches: number };
}

/** The result of a benchmark. */
export interface Result {
  readonly series: readonly Series[];
  readonly claims: readonly Claim[];
  /** Facts that a reader needs to judge the figures. */
  readonly notes?: readonly string[];
}

/** One benchmark. */
export interface Benchmark {
  /** Its name on the command line. */
  readonly name: string;
  readonly title: string;
  run(plan: Plan): Promise<Result>;
}

/** How many samples to take. */
export function sampleCount(plan: Pick<Plan, 'quick' | 'samples'>, full: number, quick: number): number {
  return plan.samples ?? (plan.quick ? quick : full);
}

/** How many rounds to do. */
export function roundCount(plan: Plan, full: number, quick: number): number {
  return plan.rounds ?? (plan.quick ? quick : full);
}

/** A lane of an interleaved measurement: does its work once and answers one value. */
export type Lane = () => Promise<number>;

/**
 * Takes `rounds` samples of every lane, one of each per round and in an order that rotates, so that other load on the
 * machine affects all lanes alike. A round before the first warms up and is not counted.
 */
export async function interleave<Name extends string>(
  rounds: number,
  lanes: Readonly<Record<Name, Lane>>,
): Promise<Record<Name, number[]>> {
  // SAFETY: the entries of a record are pairs of its own keys and values.
  const order = Object.entries(lanes) as [Name, Lane][];
  // SAFETY: every key is set by fromEntries.
  const samples = Object.fromEntries(order.map(([name]) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, lane] of rotate(order, round)) {
      const value = await lane();
      if (round > 0) samples[name].push(value);
    }
  }
  return samples;
}

/** The result of some work, and how many milliseconds it took. */
export async function timed<T>(
  work: () => Promise<T>,
): Promise<{ readonly tookMs: number; readonly result: T }> {
  const startedMs = performance.now();
  const result = await work();
  return { tookMs: performance.now() - startedMs, result };
}

/** The value below which the share `p` (0 … 1) of the samples lies: nearest rank. NaN without samples. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}

/** The middle of the samples. */
export const p50 = (values: readonly number[]): number => percentile(values, 0.5);

/** How much more was measured than in the baseline of the same round. */
export function differences(measured: readonly number[], baseline: readonly number[]): number[] {
  return measured.map((value, round) => value - (baseline[round] ?? Number.NaN));
}

const RESAMPLES = 1_000;

/** Ratio of two medians with its 95 % bootstrap interval: the range to expect from another run on this machine. */
export function ratioOfMedians(
  measured: readonly number[],
  baseline: readonly number[],
): Pick<Claim, 'value' | 'interval'> {
  const ratios = Array.from({ length: RESAMPLES }, () => p50(resample(measured)) / p50(resample(baseline)));
  return {
    value: p50(measured) / p50(baseline),
    interval: [percentile(ratios, 0.025), percentile(ratios, 0.975)],
  };
}

/** Whether a claim holds; a claim without a limit always does. */
export function passes({ value, interval, pass }: Claim): boolean {
  if (pass === undefined) return true;
  if ('intervalReaches' in pass) return (interval?.[0] ?? value) <= pass.intervalReaches;
  return 'atMost' in pass ? value <= pass.atMost : value >= pass.atLeast;
}

function resample(values: readonly number[]): number[] {
  return values.map(() => values[Math.floor(Math.random() * values.length)] ?? Number.NaN);
}

function rotate<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
