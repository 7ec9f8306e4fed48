import type { Clock } from '../../src/core/clock';
import { isRedisAway } from '../../src/redis/errors';

/** Entries that are read at a time. */
const PAGE = 200;

/** An entry that failed once is tried again in the next walk, then after pauses that double up to this. */
const PAUSE_MAX_MS = 10_000;
const FIRST_PAUSE_MS = 100;

/** What became of an entry: it has left its set, or stands there rightly. */
export type Settled = 'gone' | 'stays';

/** What a {@link Backlog} works with. */
export interface BacklogParts<T> {
  /** Names an entry; the same in every walk. */
  readonly keyOf: (entry: T) => string;
  /** Does what an entry asks for. Throwing sets that one aside; the others go on. */
  readonly settle: (entry: T) => Promise<Settled>;
  /** How many entries are settled at a time; 1 if their order matters. */
  readonly parallel: number;
  /** Told once a walk of the entries that have begun to fail in it. */
  readonly onFailing: (count: number, first: { readonly key: string; readonly error: unknown }) => void;
  readonly clock: Clock;
}

interface Failing {
  readonly pauseMs: number;
  readonly untilMs: number;
}

/**
 * A sorted set in Redis that a sweep works off from its head. Entries that cannot be settled (a row of a newer version,
 * a broken one) stay where they are: a walk goes past them to whatever stands behind, and asks after them again at
 * growing intervals, so that a thousand of them cost little and starve nobody.
 */
export class Backlog<T> {
  readonly #failing = new Map<string, Failing>();

  constructor(private readonly parts: BacklogParts<T>) {}

  /**
   * Goes once over all entries.
   *
   * @param page - reads entries, the head first
   * @returns how many were settled for good
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
    // What has left the set does not count: the next page begins behind what has stayed.
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
    if (!isStopped()) this.#forgetAllBut(seen);
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

  #forgetAllBut(seen: ReadonlySet<string>): void {
    for (const key of this.#failing.keys()) if (!seen.has(key)) this.#failing.delete(key);
  }
}
