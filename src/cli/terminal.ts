import { inColour, plain, type Paint } from './colours';

/** Where output goes. A terminal has a width; a file or a pipe has none. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** An output, with its width and colours. */
export class Terminal {
  readonly paint: Paint;

  constructor(
    private readonly output: Output,
    { noColor }: { readonly noColor: boolean },
  ) {
    this.paint = this.isInteractive && !noColor ? inColour : plain;
  }

  /** Whether the output is an interactive terminal. */
  get isInteractive(): boolean {
    return this.output.isTTY === true;
  }

  /** Cells of a line; null without a limit. */
  get width(): number | null {
    return this.isInteractive ? (this.output.columns ?? 80) : null;
  }

  /** Writes a line. */
  line(text: string): void {
    this.output.write(`${text}\n`);
  }

  /** Writes a text unchanged. */
  raw(text: string): void {
    this.output.write(text);
  }
}
