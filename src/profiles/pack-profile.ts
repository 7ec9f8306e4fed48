import { Transform, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { CHUNK_BYTES } from './archive-entries';
import { ArchiveTooLargeError } from './archive-errors';
import { ArchiveTally, isBomb, type ArchiveLimits } from './archive-limits';
import { MANIFEST_NAME, PROFILE_PREFIX, STATE_NAME, type ArchiveManifest } from './archive-manifest';
import type { BrowserState } from '../core/browser-state';
import { EntryNames } from './entry-names';
import { keptPreferences, PREFERENCES_BYTES_MAX } from './preferences';
import { keptFiles, type ProfileFile } from './profile-files';
import { PREFERENCES_PATH } from './profile-parts';

/** What becomes an archive. */
export interface PackInput {
  /** The user data directory of a browser that is gone, or a copy of it; null: there is only a state. */
  readonly dir: string | null;
  readonly manifest: ArchiveManifest;
  readonly state: BrowserState;
  readonly limits: ArchiveLimits;
}

/** The fastest level of zlib: profiles are packed while the end of a session waits. */
const GZIP_LEVEL = 1;

const FILE_MODE = 0o600;

/**
 * The archive of a profile, as a stream: tar, compressed with gzip. Equal profiles give equal archives.
 *
 * The stream fails with an {@link ArchiveTooLargeError}, a `ProfileChangedError` or what the file system throws.
 * What was read of it before that is no archive.
 */
export function packProfile(input: PackInput): Readable {
  const tar = pack();
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: CHUNK_BYTES });
  const { maxRatio } = input.limits;
  let compressedBytes = 0;
  const archive = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      compressedBytes += chunk.length;
      done(null, chunk);
    },
    flush: done => {
      const isTooGood = isBomb(input.limits, compressedBytes, gzip.bytesWritten);
      done(isTooGood ? new ArchiveTooLargeError('maxRatio', maxRatio) : null);
    },
  });
  const fail = (error: Error): void => {
    archive.destroy(error);
  };
  // Whatever fails, the reader included, destroys all parts; the reader gets the first error.
  pipeline(tar, gzip, archive).catch(fail);
  new EntryWriter(tar, input).writeAll().then(() => tar.finalize(), fail);
  return archive;
}

class EntryWriter {
  readonly #names = new EntryNames();
  readonly #tally: ArchiveTally;
  /** All entries have the same time: that of the save. */
  readonly #mtime: Date;

  constructor(
    private readonly tar: Pack,
    private readonly input: PackInput,
  ) {
    this.#tally = new ArchiveTally(input.limits);
    this.#mtime = new Date(input.manifest.savedAtMs);
  }

  async writeAll(): Promise<void> {
    const { dir, manifest, state, limits } = this.input;
    await this.#writeText(MANIFEST_NAME, JSON.stringify(manifest));
    const stateText = JSON.stringify(state);
    if (Buffer.byteLength(stateText) > limits.maxStateBytes)
      throw new ArchiveTooLargeError('maxStateBytes', limits.maxStateBytes);
    await this.#writeText(STATE_NAME, stateText);
    for await (const file of dir === null ? [] : keptFiles(dir, limits)) {
      // Chromium makes no names that an archive may not have; what a page or a broken browser made is left out.
      if (this.#names.add(file.path) !== null) continue;
      if (file.path === PREFERENCES_PATH) await this.#writePreferences(file);
      else await this.#write(PROFILE_PREFIX + file.path, file.bytes, file.read());
    }
  }

  async #writePreferences(file: ProfileFile): Promise<void> {
    if (file.bytes > PREFERENCES_BYTES_MAX) return;
    const content = await text(file.read());
    await this.#writeText(PROFILE_PREFIX + file.path, JSON.stringify(keptPreferences(content)));
  }

  async #writeText(name: string, content: string): Promise<void> {
    const bytes = Buffer.from(content);
    await this.#write(name, bytes.length, [bytes]);
  }

  async #write(
    name: string,
    bytes: number,
    content: Iterable<Buffer> | AsyncIterable<Buffer>,
  ): Promise<void> {
    const exceeded = this.#tally.add(name, bytes);
    if (exceeded !== null) throw new ArchiveTooLargeError(exceeded, this.input.limits[exceeded]);
    await pipeline(content, this.tar.entry({ name, size: bytes, mode: FILE_MODE, mtime: this.#mtime }));
  }
}
