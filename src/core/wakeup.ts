/**
 * Wakes the loop that waits for it. Rings while the loop is busy count as one: it runs once more, and must then find
 * all pending work by itself.
 */
export class Wakeup {
  #isRung = false;
  #wake: () => void = () => undefined;

  /** There may be something to do. */
  readonly ring = (): void => {
    this.#isRung = true;
    this.#wake();
  };

  /** Resolves at once if it was rung since the last wait, else at the next ring or when the signal is aborted. */
  async rung(signal: AbortSignal): Promise<void> {
    if (!this.#isRung && !signal.aborted) {
      await new Promise<void>(resolve => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#wake = wake;
        signal.addEventListener('abort', wake);
      });
    }
    this.#isRung = false;
  }
}
