import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { WatchedSource } from '../core/watched-source';
import { BadArchiveError } from './archive-errors';
import { isBomb, type ArchiveLimits } from './archive-limits';
import { TarLayout } from './tar-layout';

/** With zlib's 16 KiB, 20 MB take a fifth longer. */
export const CHUNK_BYTES = 256 * 2 ** 10;

/** A file in an archive. Its content has to be read before the next one is asked for. */
export interface ArchiveEntry {
  readonly name: string;
  readonly bytes: number;
  readonly content: AsyncIterable<Buffer>;
}

/**
 * The files of an archive, in their order. Their names and sizes are as the archive states them, that is: unchecked.
 * A reader that stops early closes the source.
 *
 * @throws BadArchiveError, or the error of the source.
 */
export async function* archiveEntries(source: Readable, limits: ArchiveLimits): AsyncGenerator<ArchiveEntry> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const tar = extract();
  const layout = new TarLayout();
  const read = { compressedBytes: 0, bytes: 0 };
  const input = new WatchedSource(source);
  const asArchiveError = (error: unknown): unknown => input.failure ?? explained(error);

  const given = tapped(chunk => {
    read.compressedBytes += chunk.length;
  });
  const expanded = tapped(chunk => {
    read.bytes += chunk.length;
    if (isBomb(limits, read.compressedBytes, read.bytes))
      throw new BadArchiveError('too_large', 'it would become many times larger');
  });
  const piping = pipeline(input.content, given, gunzip, expanded, tar);
  piping.catch(() => undefined); // also seen by the loop, or awaited after it

  try {
    for await (const entry of tar) {
      layout.add(entry.header);
      const { name, size } = entry.header;
      yield { name, bytes: size, content: contentOf(entry, asArchiveError) };
    }
    await piping;
  } catch (error) {
    throw asArchiveError(error);
  }
  layout.end(read.bytes);
  // zlib ignores what follows the compressed data.
  if (gunzip.bytesWritten !== read.compressedBytes)
    throw new BadArchiveError('trailing_data', 'something comes after its end');
}

async function* contentOf(
  entry: AsyncIterable<unknown>,
  asArchiveError: (error: unknown) => unknown,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of entry) {
      // SAFETY: tar-stream gives parts of the buffers that zlib has made.
      yield chunk as Buffer;
    }
  } catch (error) {
    throw asArchiveError(error);
  }
}

/* What zlib and tar-stream complain of is the archive's fault. */
function explained(error: unknown): BadArchiveError {
  if (error instanceof BadArchiveError) return error;
  // SAFETY: streams fail with errors, those of zlib with a code.
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR' || code === 'ERR_STREAM_PREMATURE_CLOSE' || message === 'Unexpected end of data')
    return new BadArchiveError('truncated', 'its end is missing', { cause: error });
  return code.startsWith('Z_')
    ? new BadArchiveError('not_gzip', 'it cannot be decompressed', { cause: error })
    : new BadArchiveError('bad_header', message, { cause: error });
}

function tapped(watch: (chunk: Buffer) => void): Transform {
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      try {
        watch(chunk);
      } catch (error) {
        // SAFETY: only BadArchiveError is thrown.
        done(error as Error);
        return;
      }
      done(null, chunk);
    },
  });
}
