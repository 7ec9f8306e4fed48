/** The longest time between a client's activity and its note. */
const NOTE_EVERY_MS = 1_000;

/** Dependencies of {@link ActivityMeter}. */
export interface ActivityMeterOptions {
  /** Idle time-out of the session; null: none. */
  readonly idleTimeoutMs: number | null;
  /** Writes a note; may fail. */
  readonly note: () => Promise<void>;
  /** Monotonic milliseconds. */
  readonly monotonicMs: () => number;
}

/**
 * Turns a stream of bytes into few notes: the first at once, then at most one per second (or half the idle time-out, if
 * that is less), and always one after the last byte. Called for every chunk a client sends, so it must be cheap and
 * never waits; a note that fails is repeated.
 */
export class ActivityMeter {
  readonly #everyMs: number;
  #lastNoteMs = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(private readonly options: ActivityMeterOptions) {
    this.#everyMs = Math.min(NOTE_EVERY_MS, (options.idleTimeoutMs ?? Infinity) / 2);
  }

  /** Records activity. */
  readonly touch = (): void => {
    if (this.#timer !== null || this.#stopped) return;
    const dueInMs = this.#lastNoteMs + this.#everyMs - this.options.monotonicMs();
    if (dueInMs <= 0) this.#write();
    else this.#writeIn(dueInMs);
  };

  /** Writes a pending note; nothing is scheduled afterwards. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    // The client is gone; if Redis is away too, the idle time counts from the note before.
    void this.options.note().catch(() => undefined);
  }

  #write(): void {
    this.#lastNoteMs = this.options.monotonicMs();
    // Without the note the session would look idle. Redis is away; try again until it is back.
    void this.options.note().catch(() => this.touch());
  }

  #writeIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#write();
    }, ms);
  }
}
