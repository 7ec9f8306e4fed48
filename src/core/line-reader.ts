/** A stream with a longer line is not what it is taken for. */
const MAX_LINE_BYTES = 1_048_576;

/**
 * Cuts a stream of bytes into lines. Works on bytes, so that a character split between two chunks stays whole.
 */
export class LineReader {
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(
    private readonly onLine: (line: string) => void,
    private readonly maxBytes = MAX_LINE_BYTES,
  ) {}

  /** False if a line has become too long; the stream must then be dropped. */
  push(chunk: Buffer): boolean {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...this.#rest, chunk.subarray(from, end)]);
      this.#rest = [];
      this.#restBytes = 0;
      from = end + 1;
      if (line.length > this.maxBytes) return false;
      if (line.length > 0) this.onLine(line.toString('utf8'));
    }
    const rest = chunk.subarray(from);
    if (rest.length > 0) this.#rest.push(rest);
    this.#restBytes += rest.length;
    return this.#restBytes <= this.maxBytes;
  }
}
