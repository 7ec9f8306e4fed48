/** Longest time between something a client does and our note of it. */
const NOTE_EVERY_MS = 1_000;

/** What {@link ActivityMeter} works with. */
export interface ActivityMeterOptions {
  /** Of the session; null: none. */
  readonly idleTimeoutMs: number | null;
  /** Writes a note; may fail. */
  readonly note: () => Promise<void>;
  /** Monotonic milliseconds. */
  readonly monotonicMs: () => number;
}

/**
 * Turns a stream of bytes into few notes: the first at once, then at most one per second (or half the idle time-out, if
 * that is less), and always one after the last byte. Called for every chunk a client sends, so it does next to nothing
 * and waits for nothing; a note that fails is made again.
 */
export class ActivityMeter {
  readonly #everyMs: number;
  #lastNoteMs = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(private readonly options: ActivityMeterOptions) {
    this.#everyMs = Math.min(NOTE_EVERY_MS, (options.idleTimeoutMs ?? Infinity) / 2);
  }

  /** Something happened. */
  readonly touch = (): void => {
    if (this.#timer !== null || this.#stopped) return;
    const dueInMs = this.#lastNoteMs + this.#everyMs - this.options.monotonicMs();
    if (dueInMs <= 0) this.#write();
    else this.#writeIn(dueInMs);
  };

  /** Writes what is still to be noted; nothing is scheduled afterwards. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    // The client has gone with this; if Redis has too, the session's idle time simply counts from the note before.
    void this.options.note().catch(() => undefined);
  }

  #write(): void {
    this.#lastNoteMs = this.options.monotonicMs();
    // Not noted means: the session would look idle while it is not. Redis is away; try again until it is back.
    void this.options.note().catch(() => this.touch());
  }

  #writeIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#write();
    }, ms);
  }
}
