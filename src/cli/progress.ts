import type { Terminal } from './terminal';

const CLEAR_LINE = '\r\u001b[K';

/**
 * A line that shows what the command waits for, and is removed afterwards. Shows nothing without an interactive
 * terminal.
 */
export class ProgressLine {
  #isShown = false;

  constructor(private readonly terminal: Terminal) {}

  /** Whether the line is shown. */
  get isVisible(): boolean {
    return this.terminal.isInteractive;
  }

  /** Replaces the text of the line. */
  show(text: string): void {
    if (!this.isVisible) return;
    this.terminal.raw(`${CLEAR_LINE}${this.terminal.paint('dim', text)}`);
    this.#isShown = true;
  }

  /** Removes the line. */
  clear(): void {
    if (this.#isShown) this.terminal.raw(CLEAR_LINE);
    this.#isShown = false;
  }
}
