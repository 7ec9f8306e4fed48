import type { Header } from 'tar-stream';
import { BadArchiveError } from './archive-errors';

/** tar-stream gives more of a header than its types tell. */
interface FoundHeader extends Header {
  /** Where the content begins. */
  readonly byteOffset: number;
  /** The records of an extended header before this one; null: there was none. */
  readonly pax: Readonly<Record<string, string>> | null;
}

const BLOCK_BYTES = 512;
/** Two empty blocks. */
const END_BYTES = 2 * BLOCK_BYTES;

/**
 * Where the entries of an archive begin and end. Each has to begin where the one before ended, so an archive has room
 * only for what packProfile writes: no second header that another reader would obey, nothing between, nothing behind.
 */
export class TarLayout {
  #endOffset = 0;

  /** Takes the header of the next entry. @throws BadArchiveError */
  add(given: Header): void {
    // SAFETY: tar-stream sets both for every entry (extract.js).
    const header = given as FoundHeader;
    if (header.type !== 'file')
      throw new BadArchiveError('not_a_file', 'it contains other things than files');
    // tar-stream refuses negative sizes, but reads -1 as -0.
    if (Object.is(header.size, -0)) throw new BadArchiveError('bad_header', 'a file has a negative size');
    if (header.byteOffset - this.#endOffset !== headerBytes(header))
      throw new BadArchiveError('bad_header', 'there is an unknown header before a file');
    this.#endOffset = header.byteOffset + inBlocks(header.size);
  }

  /** Takes the length of the whole archive. @throws BadArchiveError */
  end(bytes: number): void {
    const missing = this.#endOffset + END_BYTES - bytes;
    if (missing > 0) throw new BadArchiveError('truncated', 'its end is missing');
    if (missing < 0) throw new BadArchiveError('trailing_data', 'something comes after its end');
  }
}

/* A name that does not fit into a header stands in an extended header before it, which has to contain nothing else. */
function headerBytes({ name, pax }: FoundHeader): number {
  if (pax === null) return BLOCK_BYTES;
  if (Object.keys(pax).join() !== 'path' || pax['path'] !== name) return NaN;
  return BLOCK_BYTES + inBlocks(recordBytes(` path=${name}\n`)) + BLOCK_BYTES;
}

/* A record begins with its own length, digits included. */
function recordBytes(record: string): number {
  const rest = Buffer.byteLength(record);
  const digits = String(rest + String(rest).length).length;
  return rest + digits;
}

const inBlocks = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
