import { messageOf } from '../../../src/core/errors';
import type { Clock } from '../../../src/core/clock';
import type { Logger } from '../../../src/core/logger';
import type { Breaths } from './breaths';
import type { BrowserFreezer } from './browser-freezer';
import type { Sight } from './page-look';
import { SleepyConnection, type SleepyBrowser } from './sleepy-connection';
import type { SleepTally } from './sleep-tally';

/** The shortest time between two looks at pages of which one was busy: each look costs them some milliseconds. */
const LOOK_AGAIN_MS = 10_000;

/** How long to wait for somebody who looks on; it takes some milliseconds. */
const LOOKERS_MS = 50;

/** Dependencies of {@link Sleeper}. */
export interface SleeperParts {
  readonly ref: string;
  /** How long nobody may have sent it anything. */
  readonly afterMs: number;
  /** False once it ends. */
  readonly isRunning: () => boolean;
  /** Looks at its downloads and pages. Never rejects. */
  readonly look: () => Promise<Sight>;
  readonly freezer: Pick<BrowserFreezer, 'freeze' | 'canBreathe' | 'breathe' | 'thaw'>;
  readonly breaths: Breaths;
  /** Gives memory of a frozen browser back. Never rejects. */
  readonly reclaim: () => Promise<void>;
  readonly tally: SleepTally;
  /** Called when it has fallen asleep or is awake again. */
  readonly onChanged: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Decides when one browser sleeps. It falls asleep when for `afterMs` no byte has come from or gone to a client, none
 * of their commands waits for an answer, no call holds it awake, nothing is downloaded and no page is busy. It is awake
 * again with the next byte of a client, or the next call, before that reaches it.
 *
 * While it sleeps it breathes: all but its pages runs for a moment, so that it is woken without much that is overdue.
 *
 * All bytes between clients and the browser pass through {@link Sleeper.connect}: a browser that sleeps is reached
 * through its keeper only.
 */
export class Sleeper implements SleepyBrowser {
  readonly #parts: SleeperParts;
  readonly #connections = new Set<SleepyConnection>();
  #state: 'awake' | 'looking' | 'asleep' | 'over' = 'awake';
  #lookNumber = 0;
  #lookers = 0;
  #holds = 0;
  #lastMs: number;
  #asleepSinceMs: number | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Aborted when the present sleep is over. */
  #sleepOver = new AbortController();
  /** Freezing, breathing and thawing, one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(parts: SleeperParts) {
    this.#parts = parts;
    this.#lastMs = parts.clock.monotonicMs();
    this.#wait(parts.afterMs);
  }

  /** Since when it sleeps, epoch milliseconds; null: it is awake. */
  get asleepSinceMs(): number | null {
    return this.#asleepSinceMs;
  }

  get isAsleep(): boolean {
    return this.#asleepSinceMs !== null;
  }

  /** Somebody needs it now; answers whether it slept. */
  needed(): boolean {
    const slept = this.isAsleep;
    this.#lastMs = this.#parts.clock.monotonicMs();
    if (this.#state === 'looking' || this.#state === 'asleep') this.#wake();
    return slept;
  }

  /** It has sent something to a client. What still arrives while it falls asleep, or sleeps, is only carried on. */
  heard(): void {
    if (this.#state === 'awake') this.#lastMs = this.#parts.clock.monotonicMs();
  }

  /** Keeps it awake until the returned function is called. */
  hold(): () => void {
    this.#holds += 1;
    this.needed();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      this.#lastMs = this.#parts.clock.monotonicMs();
    };
  }

  /** The same for a look, which neither wakes it nor counts as use; null: it sleeps. */
  look(): (() => void) | null {
    if (this.isAsleep) return null;
    this.#lookers += 1;
    return () => (this.#lookers -= 1);
  }

  /** Does some work while it is awake. */
  async whileAwake<T>(work: () => Promise<T>): Promise<T> {
    const release = this.hold();
    try {
      await this.#work;
      return await work();
    } finally {
      release();
    }
  }

  /**
   * A client connects. The connection is to be closed at its end.
   *
   * @param reply - sends bytes to the client
   */
  connect(reply: (bytes: Buffer) => void): SleepyConnection {
    const { tally, clock } = this.#parts;
    const connection = new SleepyConnection({
      sleeper: this,
      reply,
      onAnswered: tookMs => tally.answered(tookMs),
      onClosed: () => this.#connections.delete(connection),
      clock,
    });
    this.#connections.add(connection);
    return connection;
  }

  /** Does nothing any more. One that sleeps is thawed by its end, or by the next keeper. */
  stop(): void {
    this.#state = 'over';
    this.#sleepOver.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#onTime(), ms).unref();
  }

  #onTime(): void {
    const { afterMs, isRunning, clock } = this.#parts;
    if (this.#state !== 'awake' || !isRunning()) return;
    const nowMs = clock.monotonicMs();
    if (this.#isInUse()) this.#lastMs = nowMs;
    const leftMs = this.#lastMs + afterMs - nowMs;
    if (leftMs > 0) this.#wait(leftMs);
    else if (this.#lookers > 0) this.#wait(LOOKERS_MS);
    else void this.#lookAtPages();
  }

  #isInUse(): boolean {
    return this.#holds > 0 || [...this.#connections].some(({ isBusy }) => isBusy);
  }

  async #lookAtPages(): Promise<void> {
    const { look, afterMs, clock } = this.#parts;
    this.#state = 'looking';
    this.#lookNumber += 1;
    const number = this.#lookNumber;
    const sight = await look();
    // Somebody needs it, or it is over. What it has sent meanwhile was about the look.
    if (this.#state !== 'looking' || number !== this.#lookNumber) return;
    const isIdle = sight === 'idle' && !this.#isInUse();
    if (isIdle && this.#lookers === 0) {
      this.#sleep();
      return;
    }
    this.#state = 'awake';
    if (isIdle) {
      this.#wait(LOOKERS_MS);
      return;
    }
    this.#lastMs = clock.monotonicMs();
    this.#wait(Math.max(afterMs, LOOK_AGAIN_MS));
  }

  #sleep(): void {
    const { clock, tally, onChanged, freezer, reclaim, breaths, ref, log } = this.#parts;
    this.#state = 'asleep';
    this.#asleepSinceMs = clock.nowMs();
    this.#sleepOver = new AbortController();
    const { signal } = this.#sleepOver;
    tally.slept();
    log.debug({ ref }, 'a browser falls asleep');
    void this.#then(async () => {
      // Not written yet, or undone by the thaw behind it.
      if (await freezer.freeze(() => this.#isToSleep())) {
        void reclaim();
        if (freezer.canBreathe) this.#breatheAfter(breaths.rhythm.firstAfterMs, signal);
      } else if (this.#isToSleep()) this.#wake();
    });
    onChanged();
  }

  /* The timer is free: it does not wait for sleep. */
  #breatheAfter(ms: number, signal: AbortSignal): void {
    if (signal.aborted) return;
    const { breaths } = this.#parts;
    this.#timer = setTimeout(
      () => breaths.inTurn(() => this.#then(() => this.#breathe(ms, signal))),
      ms,
    ).unref();
  }

  async #breathe(waitedMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { breaths, freezer, tally } = this.#parts;
    tally.breathed();
    const isToSleep = (): boolean => !signal.aborted && this.#isToSleep();
    if (await freezer.breathe(breaths.rhythm.forMs, isToSleep, signal))
      this.#breatheAfter(breaths.after(waitedMs), signal);
    else if (isToSleep()) this.#wake();
  }

  #isToSleep(): boolean {
    return this.#state === 'asleep' && this.#parts.isRunning();
  }

  #wake(): void {
    const { afterMs, tally, onChanged, freezer, ref, log } = this.#parts;
    const slept = this.#state === 'asleep';
    this.#state = 'awake';
    this.#wait(afterMs);
    if (!slept) return;
    this.#asleepSinceMs = null;
    this.#sleepOver.abort();
    tally.woke();
    log.debug({ ref }, 'a browser is woken');
    void this.#then(() => freezer.thaw());
    onChanged();
  }

  /* One that could not be frozen counts as awake; one that could not be thawed is given up by its liveness. */
  #then(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      const { ref, log } = this.#parts;
      log.error({ ref, reason: messageOf(error) }, 'a browser could not be frozen or thawed');
      if (this.#isToSleep()) this.#wake();
    });
    return this.#work;
  }
}
