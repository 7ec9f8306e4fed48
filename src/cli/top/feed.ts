import type { Browser } from '../../client/browser';
import { isHoldfastError } from '../../client/errors';
import { pause } from '../../core/abort';
import type { Clock } from '../../core/clock';
import { Wakeup } from '../../core/wakeup';
import { RateCounter } from './rates';
import { readSnapshot, type Snapshot } from './snapshot';
import type { TopState } from './view';

const READ_EVERY_MS = 1_000;
/** The shortest time between two reads, however many events there are. */
const READ_PAUSE_MS = 250;

/** Keeps the state of a service: reads it every second, sooner after an event, and continues through outages. */
export class TopFeed {
  readonly #rates: RateCounter;
  readonly #changes = new Wakeup();
  #snapshot: Snapshot | null = null;
  #outage: TopState['outage'] = null;

  constructor(
    private readonly client: Browser,
    private readonly clock: Clock,
    /** The number of sessions to read now. */
    private readonly limit: () => number,
  ) {
    this.#rates = new RateCounter(clock.monotonicMs());
  }

  /** The current state. */
  get state(): TopState {
    const rates = this.#rates.at(this.clock.monotonicMs());
    return { snapshot: this.#snapshot, rates, outage: this.#outage };
  }

  /**
   * Runs until the signal is aborted; `changed` is called after every read.
   *
   * @throws HoldfastError if the service refuses the requests, which waiting cannot change.
   */
  async run(signal: AbortSignal, changed: () => void): Promise<void> {
    const stop = new AbortController();
    const onAbort = (): void => stop.abort();
    signal.addEventListener('abort', onAbort);
    try {
      await Promise.all([this.#read(stop.signal, changed), this.#listen(stop.signal)]);
    } finally {
      // If one of the two loops has failed, the other is of no use.
      stop.abort();
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #read(signal: AbortSignal, changed: () => void): Promise<void> {
    while (!signal.aborted) {
      try {
        const nowMs = this.clock.nowMs();
        this.#snapshot = await readSnapshot(this.client, { limit: this.limit(), nowMs, signal });
        this.#outage = null;
      } catch (error) {
        this.#noteOutage(error, signal);
      }
      if (!signal.aborted) changed();
      await pause(READ_PAUSE_MS, signal);
      await this.#untilChange(READ_EVERY_MS - READ_PAUSE_MS, signal);
    }
  }

  async #listen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const event of this.client.events({ signal, maxRetries: 0 })) {
          this.#rates.add(event, this.clock.monotonicMs());
          this.#changes.notify();
        }
      } catch (error) {
        this.#noteOutage(error, signal);
      }
      await pause(READ_EVERY_MS, signal);
    }
  }

  #noteOutage(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (!isHoldfastError(error) || !error.retryable) throw error;
    this.#outage = { message: error.message, sinceMs: this.#outage?.sinceMs ?? this.clock.nowMs() };
  }

  /* Waits for an event, but no longer than `maxMs`. */
  async #untilChange(maxMs: number, signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    const timer = setTimeout(() => enough.abort(), maxMs);
    const onAbort = (): void => enough.abort();
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    try {
      await this.#changes.wait(enough.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
