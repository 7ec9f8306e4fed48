const ESCAPE = '\u001b[';
/* Alternate screen, no cursor, no wrapping: a line that is too long is cut by the terminal instead of breaking the frame. */
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l${ESCAPE}?7l`;
const LEAVE = `${ESCAPE}?7h${ESCAPE}?25h${ESCAPE}?1049l`;
const HOME = `${ESCAPE}H`;
const CLEAR_TO_END_OF_LINE = `${ESCAPE}K`;
const CLEAR_BELOW = `${ESCAPE}J`;

const CTRL_C = '\u0003';

/** What a person at the keyboard wants. */
export type Key = 'quit' | 'interrupt';

/** The whole terminal, for a while. What was on it before comes back, however the process ends, short of SIGKILL. */
export class FullScreen {
  #isOpen = false;

  constructor(
    private readonly input: NodeJS.ReadStream,
    private readonly output: NodeJS.WriteStream,
  ) {}

  /** How much room there is. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.output.columns, rows: this.output.rows };
  }

  /** Takes the terminal. `onKey` hears of `q` and Ctrl-C, which is a key like others now; `onResize` of another size. */
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
    // Also after an error that nobody caught; writing to a terminal is synchronous.
    process.once('exit', this.close);
  }

  /** Shows a frame in place of the one before, in one write, so that it does not flicker. */
  draw(lines: readonly string[]): void {
    const text = lines.map(line => line + CLEAR_TO_END_OF_LINE).join('\r\n');
    this.output.write(`${HOME}${text}${CLEAR_BELOW}`);
  }

  /** Gives the terminal back; once is enough. */
  readonly close = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.close);
    this.output.removeAllListeners('resize');
    if (this.input.isTTY) {
      this.input.setRawMode(false);
      this.input.removeAllListeners('data');
      // A stream that is read keeps the process alive.
      this.input.pause();
    }
    this.output.write(LEAVE);
  };
}
