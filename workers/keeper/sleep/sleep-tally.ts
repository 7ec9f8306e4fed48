import type { SleepCounts, Wake } from '../../../src/core/sleep-counts';

/** How many wakes are kept for the worker to count: it asks every second. */
const WAKES_KEPT = 32;

/** Counts how browsers sleep. */
export class SleepTally {
  #sleeps = 0;
  #wakes = 0;
  #breaths = 0;
  #latest: Wake[] = [];

  /** A browser has fallen asleep. */
  slept(): void {
    this.#sleeps += 1;
  }

  /** A browser was woken. */
  woke(): void {
    this.#wakes += 1;
  }

  /** A browser that sleeps has let run what was overdue. */
  breathed(): void {
    this.#breaths += 1;
  }

  /** A client that has woken a browser has its first bytes from it, so long after its own. */
  answered(tookMs: number): void {
    const n = (this.#latest.at(-1)?.n ?? 0) + 1;
    this.#latest = [...this.#latest, { n, tookMs }].slice(-WAKES_KEPT);
  }

  /** @param asleep - how many sleep now */
  counts(asleep: number): SleepCounts {
    return { asleep, sleeps: this.#sleeps, wakes: this.#wakes, breaths: this.#breaths, latest: this.#latest };
  }
}
