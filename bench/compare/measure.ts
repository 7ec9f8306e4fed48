import { messageOf } from '../../src/core/errors';
import { p50, percentile, ratioOfMedians, timed } from '../harness';
import type { Contestant } from './contestant';

/** What is measured of each browser, in the order in which it happens. */
export const MEASURES = {
  answered: 'asked → first answer',
  loaded: 'asked → page loaded',
  evaluate: 'evaluate, round trip',
  ended: 'end',
} as const;

/** @see MEASURES */
export type Measure = keyof typeof MEASURES;

/** The samples of one contestant, milliseconds. */
export interface Samples {
  readonly name: string;
  readonly values: Readonly<Record<Measure, number[]>>;
  /** Why rounds gave no sample. */
  readonly failures: string[];
}

/** One figure of one contestant, beside the baseline of the same rounds. */
export interface Figure {
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Of the medians; with its 95 % interval. */
  readonly ratio: number;
  readonly interval: readonly [number, number];
}

/** One row of the result. */
export interface Row {
  readonly name: string;
  readonly failures: readonly string[];
  readonly figures: Readonly<Record<Measure, Figure>>;
}

const ROUND_TRIPS = 20;

const PAGE = `data:text/html,<title>a page</title>${'<p>some text</p>'.repeat(100)}`;

/**
 * Asks each contestant for a browser in turn, round after round in an order that rotates, one at a time. A round before
 * the first warms up and is not counted.
 */
export async function compare(contestants: readonly Contestant[], rounds: number): Promise<Samples[]> {
  const found: Samples[] = contestants.map(({ name }) => ({
    name,
    values: { answered: [], loaded: [], evaluate: [], ended: [] },
    failures: [],
  }));
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const at = (turn + round) % contestants.length;
      const [contestant, samples] = [contestants[at], found[at]];
      if (contestant === undefined || samples === undefined) continue;
      await once(contestant).then(
        values => {
          if (round === 0) return;
          for (const [measure, value] of values) samples.values[measure].push(value);
        },
        (error: unknown) => void samples.failures.push(messageOf(error)),
      );
    }
  }
  return found;
}

async function once(contestant: Contestant): Promise<[Measure, number][]> {
  await contestant.prepare?.();
  try {
    return await measured(contestant);
  } finally {
    await contestant.settle?.();
  }
}

async function measured(contestant: Contestant): Promise<[Measure, number][]> {
  const startedMs = performance.now();
  const taken = await contestant.take();
  try {
    const answered = performance.now() - startedMs;
    await taken.load(PAGE);
    const loaded = performance.now() - startedMs;
    const trips: number[] = [];
    for (let trip = 0; trip < ROUND_TRIPS; trip += 1)
      trips.push((await timed(() => taken.evaluate('1 + 1'))).tookMs);
    const { tookMs: ended } = await timed(() => taken.end());
    return [
      ['answered', answered],
      ['loaded', loaded],
      ['evaluate', p50(trips)],
      ['ended', ended],
    ];
  } catch (error) {
    await taken.end().catch(() => undefined); // the first error is the one to report
    throw error;
  }
}

/** Every figure beside that of the first contestant, the baseline. */
export function rowsOf(samples: readonly Samples[]): Row[] {
  const [baseline] = samples;
  if (baseline === undefined) return [];
  return samples.map(({ name, values, failures }) => {
    const figure = (measure: Measure): Figure => {
      const { value: ratio, interval = [Number.NaN, Number.NaN] } = ratioOfMedians(
        values[measure],
        baseline.values[measure],
      );
      const [p95, p99] = [percentile(values[measure], 0.95), percentile(values[measure], 0.99)];
      return { n: values[measure].length, p50: p50(values[measure]), p95, p99, ratio, interval };
    };
    return {
      ...{ name, failures },
      figures: {
        answered: figure('answered'),
        loaded: figure('loaded'),
        evaluate: figure('evaluate'),
        ended: figure('ended'),
      },
    };
  });
}
