/**
 * Wakes the loop that waits for it. Notifications while the loop is busy count as one: it runs once more, and must then
 * find all pending work by itself.
 */
export class Wakeup {
  #isNotified = false;
  #wake: () => void = () => undefined;

  /** There may be something to do. */
  readonly notify = (): void => {
    this.#isNotified = true;
    this.#wake();
  };

  /**
   * Resolves at once if there was a notification since the last wait, else at the next one or when the signal is
   * aborted.
   */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#isNotified && !signal.aborted) {
      await new Promise<void>(resolve => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#wake = wake;
        signal.addEventListener('abort', wake);
      });
    }
    this.#isNotified = false;
  }
}
