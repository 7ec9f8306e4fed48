import { inColour, plain, type Paint } from './colours';

/** Where output goes. A terminal has a width; a file or a pipe has none. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Where output goes, and how it may look there. */
export class Terminal {
  readonly paint: Paint;

  constructor(
    private readonly output: Output,
    { noColor }: { readonly noColor: boolean },
  ) {
    this.paint = this.isInteractive && !noColor ? inColour : plain;
  }

  /** Whether a person is looking. */
  get isInteractive(): boolean {
    return this.output.isTTY === true;
  }

  /** How many cells a line has; null where nobody counts them. */
  get width(): number | null {
    return this.isInteractive ? (this.output.columns ?? 80) : null;
  }

  /** Writes a line. */
  line(text: string): void {
    this.output.write(`${text}\n`);
  }

  /** Writes as it is. */
  raw(text: string): void {
    this.output.write(text);
  }
}
