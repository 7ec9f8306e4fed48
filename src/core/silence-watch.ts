import type { Clock } from './clock';

/** How often the watch looks at its clock. */
const CHECK_EVERY_MS = 250;

/** A check that runs this late means that this process itself was stalled. */
const STALL_MS = 1_000;

/**
 * Notices that the other side has gone silent. Time in which this process was stalled itself (stopped, starved,
 * suspended) says nothing about the other side: after a stall the full `patienceMs` starts again. Fires again after
 * every further `patienceMs` of silence, until there is a sign of life or the watch is stopped.
 */
export class SilenceWatch {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #onSilent: () => void;
  #timer: NodeJS.Timeout | null = null;
  #lastSignAtMs = 0;
  #checkedAtMs = 0;

  constructor(clock: Clock, patienceMs: number, onSilent: () => void) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#onSilent = onSilent;
  }

  /** Starts a full `patienceMs`; a running watch starts over. */
  start(): void {
    this.stop();
    this.#lastSignAtMs = this.#checkedAtMs = this.#clock.monotonicMs();
    this.#timer = setInterval(() => this.#check(), CHECK_EVERY_MS);
  }

  /** Reports a sign of life of the other side. */
  reset(): void {
    this.#lastSignAtMs = this.#clock.monotonicMs();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #check(): void {
    const nowMs = this.#clock.monotonicMs();
    const stalled = nowMs - this.#checkedAtMs > CHECK_EVERY_MS + STALL_MS;
    this.#checkedAtMs = nowMs;
    if (stalled) this.#lastSignAtMs = nowMs;
    if (nowMs - this.#lastSignAtMs < this.#patienceMs) return;
    this.#lastSignAtMs = nowMs;
    this.#onSilent();
  }
}
