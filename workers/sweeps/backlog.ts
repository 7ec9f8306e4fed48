import type { Clock } from '../../src/core/clock';
import { isRedisAway } from '../../src/redis/errors';

/** How many entries are read at a time. */
const PAGE = 200;

/** An entry that failed is retried in the next walk, then after pauses that double up to this. */
const PAUSE_MAX_MS = 10_000;
const FIRST_PAUSE_MS = 100;

/** The outcome for an entry: it has left its set, or is there rightly. */
export type Settled = 'gone' | 'stays';

/** Dependencies of a {@link Backlog}. */
export interface BacklogParts<T> {
  /** Key of an entry; the same in every walk. */
  readonly keyOf: (entry: T) => string;
  /** Processes an entry. If it throws, the entry is set aside and the others continue. */
  readonly settle: (entry: T) => Promise<Settled>;
  /** How many entries are processed at a time; 1 if their order matters. */
  readonly parallel: number;
  /** Called once for each walk with the entries that have begun to fail in it. */
  readonly onFailing: (count: number, first: { readonly key: string; readonly error: unknown }) => void;
  readonly clock: Clock;
}

interface Failing {
  readonly pauseMs: number;
  readonly untilMs: number;
}

/**
 * A sorted set in Redis that a sweep processes from its head. Entries that cannot be processed (a row of a newer
 * version, a damaged one) stay where they are: a walk passes over them to the entries behind, and retries them at
 * growing intervals, so that a thousand of them cost little and do not starve the others.
 */
export class Backlog<T> {
  readonly #failing = new Map<string, Failing>();

  constructor(private readonly parts: BacklogParts<T>) {}

  /**
   * Goes once over all entries.
   *
   * @param page - reads entries, the head first
   * @returns how many have left the set
   * @throws what Redis throws while it is away; then the walk ends, since it is away for all of them.
   */
  async walk(
    page: (offset: number, limit: number) => Promise<readonly T[]>,
    isStopped: () => boolean,
  ): Promise<number> {
    const { keyOf } = this.parts;
    const seen = new Set<string>();
    const failures: { key: string; error: unknown }[] = [];
    let settled = 0;
    // Entries that have left the set do not count: the next page begins after those that have stayed.
    for (let stayed = 0; ;) {
      const entries = await page(stayed, PAGE);
      const fresh = entries.filter(entry => !seen.has(keyOf(entry)));
      for (const entry of fresh) seen.add(keyOf(entry));
      const gone = await this.#settleAll(fresh, failures, isStopped);
      settled += gone;
      stayed += entries.length - gone;
      if (entries.length < PAGE || isStopped()) break;
    }
    const [first] = failures;
    if (first !== undefined) this.parts.onFailing(failures.length, first);
    if (!isStopped()) this.#keepOnly(seen);
    return settled;
  }

  async #settleAll(
    entries: readonly T[],
    failures: { key: string; error: unknown }[],
    isStopped: () => boolean,
  ): Promise<number> {
    const waiting = [...entries].reverse();
    let gone = 0;
    const lane = async (): Promise<void> => {
      for (let entry = waiting.pop(); entry !== undefined && !isStopped(); entry = waiting.pop()) {
        if ((await this.#settle(entry, failures)) === 'gone') gone += 1;
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.parts.parallel, entries.length) }, lane));
    return gone;
  }

  async #settle(entry: T, failures: { key: string; error: unknown }[]): Promise<Settled> {
    const { keyOf, settle, clock } = this.parts;
    const key = keyOf(entry);
    const before = this.#failing.get(key);
    if (before !== undefined && clock.monotonicMs() < before.untilMs) return 'stays';
    try {
      const settled = await settle(entry);
      this.#failing.delete(key);
      return settled;
    } catch (error) {
      if (isRedisAway(error)) throw error;
      if (before === undefined) failures.push({ key, error });
      const pauseMs = Math.min(PAUSE_MAX_MS, before === undefined ? FIRST_PAUSE_MS : before.pauseMs * 2);
      this.#failing.set(key, { pauseMs, untilMs: clock.monotonicMs() + pauseMs });
      return 'stays';
    }
  }

  #keepOnly(seen: ReadonlySet<string>): void {
    for (const key of this.#failing.keys()) if (!seen.has(key)) this.#failing.delete(key);
  }
}
