import type { Terminal } from './terminal';

const CLEAR_LINE = '\r\u001b[K';

/** One line that tells a person what is being waited for, and is gone afterwards. Shows nothing where nobody looks. */
export class ProgressLine {
  #isShown = false;

  constructor(private readonly terminal: Terminal) {}

  /** Whether anybody sees it. */
  get isVisible(): boolean {
    return this.terminal.isInteractive;
  }

  /** Says something in place of what it said before. */
  show(text: string): void {
    if (!this.isVisible) return;
    this.terminal.raw(`${CLEAR_LINE}${this.terminal.paint('dim', text)}`);
    this.#isShown = true;
  }

  /** Takes it away. */
  clear(): void {
    if (this.#isShown) this.terminal.raw(CLEAR_LINE);
    this.#isShown = false;
  }
}
