const ESCAPE = '\u001b[';
/*
 * Alternate screen, no cursor, no wrapping: the terminal cuts a line that is too long, so that the frame stays intact.
 */
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l${ESCAPE}?7l`;
const LEAVE = `${ESCAPE}?7h${ESCAPE}?25h${ESCAPE}?1049l`;
const HOME = `${ESCAPE}H`;
const CLEAR_TO_END_OF_LINE = `${ESCAPE}K`;
const CLEAR_BELOW = `${ESCAPE}J`;

const CTRL_C = '\u0003';

/** The keys that the screen handles. */
export type Key = 'quit' | 'interrupt';

/** The whole terminal, for a while. Its former content is restored when the process ends, except by SIGKILL. */
export class FullScreen {
  #isOpen = false;

  constructor(
    private readonly input: NodeJS.ReadStream,
    private readonly output: NodeJS.WriteStream,
  ) {}

  /** The size of the terminal. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.output.columns, rows: this.output.rows };
  }

  /**
   * Takes the terminal. `onKey` gets `q` and Ctrl-C, which is an ordinary key in this mode; `onResize` is called when
   * the size changes.
   */
  open(onKey: (key: Key) => void, onResize: () => void): void {
    this.#isOpen = true;
    this.output.write(ENTER);
    this.output.on('resize', onResize);
    if (this.input.isTTY) {
      this.input.setRawMode(true);
      this.input.setEncoding('utf8');
      this.input.on('data', (keys: string) => {
        if (keys.includes(CTRL_C)) onKey('interrupt');
        else if (/q/i.test(keys)) onKey('quit');
      });
    }
    // Also after an uncaught error; writing to a terminal is synchronous.
    process.once('exit', this.close);
  }

  /** Replaces the frame in one write, so that it does not flicker. */
  draw(lines: readonly string[]): void {
    const text = lines.map(line => line + CLEAR_TO_END_OF_LINE).join('\r\n');
    this.output.write(`${HOME}${text}${CLEAR_BELOW}`);
  }

  /** Restores the terminal; further calls do nothing. */
  readonly close = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.close);
    this.output.removeAllListeners('resize');
    if (this.input.isTTY) {
      this.input.setRawMode(false);
      this.input.removeAllListeners('data');
      // A stream that is being read keeps the process alive.
      this.input.pause();
    }
    this.output.write(LEAVE);
  };
}
