import { backoffMs } from '../core/abort';

const FIRST_DELAY_MS = 250;

/**
 * The longest delay at first, because sessions wait for the process: several attempts fit into the keeper's grace and a
 * worker's lease, 10 s each.
 */
const SHORT_DELAY_MS = 1_000;

/** The delay once the process is taken for broken: an attempt costs about a second of CPU. Still half a lease. */
const LONG_DELAY_MS = 5_000;
const BROKEN_AFTER_MS = 60_000;

/** A process that ran this long was healthy: its next restart is immediate again. */
const HEALTHY_AFTER_MS = 10_000;

/** The delay before a process is restarted: 0, 250, 500, 1 000 ms, and 5 s once it has crashed for a minute. */
export class RestartLadder {
  #failures = 0;
  #crashingSinceMs: number | null = null;

  /**
   * Call when the process has ended.
   *
   * @param aliveMs - how long it ran
   * @param nowMs - monotonic
   * @returns milliseconds to wait
   */
  next(aliveMs: number, nowMs: number): number {
    if (aliveMs >= HEALTHY_AFTER_MS) {
      this.#failures = 0;
      this.#crashingSinceMs = null;
    }
    this.#crashingSinceMs ??= nowMs;
    if (nowMs - this.#crashingSinceMs >= BROKEN_AFTER_MS) return LONG_DELAY_MS;
    return backoffMs(this.#failures++, FIRST_DELAY_MS, SHORT_DELAY_MS);
  }
}
