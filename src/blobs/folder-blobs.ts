import { randomUUID } from 'node:crypto';
import { mkdir, open, opendir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../core/clock';
import { messageOf, systemCodeOf } from '../core/errors';
import { WatchedSource } from '../core/watched-source';
import { BlobNotFoundError, BlobStoreError, checkedKey, type BlobStore, type StoredBlob } from './blob-store';
import { DigestWriter, verified } from './digest';

/** Where blobs are written before they have their name. Keys contain no dot, so none is in here. */
const INCOMING = '.incoming';

/** A file that nobody has written to for so long belongs to a process that is gone. */
const LEFTOVER_AFTER_MS = 3_600_000;

/** Each chunk passes through a digest, a cipher and a decompressor: few large ones take less time. */
const READ_BYTES = 256 * 2 ** 10;

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** A delete may remove the folder of a key, because it is empty, before the renaming. It is then made again. */
const RENAME_TRIES = 20;

/** Blobs as files of a folder, which several processes may share. */
export class FolderBlobs implements BlobStore {
  #prepared: Promise<void> | null = null;

  constructor(
    private readonly dir: string,
    private readonly clock: Clock,
  ) {}

  async put(key: string, source: Readable): Promise<StoredBlob> {
    const path = join(this.dir, checkedKey(key));
    const input = new WatchedSource(source);
    const incoming = join(this.dir, INCOMING, randomUUID());
    try {
      await this.#prepare();
      const digest = new DigestWriter();
      const file = await open(incoming, 'wx', FILE_MODE);
      await pipeline(input.content, digest, file.createWriteStream({ flush: true }));
      await this.#moveTo(path, incoming);
      return digest.stored();
    } catch (error) {
      input.content.destroy();
      await rm(incoming, { force: true }).catch(() => undefined); // the next start removes it
      if (systemCodeOf(error) === 'ENOENT') this.#prepared = null; // somebody has removed the folder
      throw input.failure ?? asStoreError(error);
    }
  }

  async get(key: string): Promise<Readable> {
    const path = join(this.dir, checkedKey(key));
    const file = await open(path, 'r').catch((error: unknown) => {
      throw systemCodeOf(error) === 'ENOENT'
        ? new BlobNotFoundError(key, { cause: error })
        : asStoreError(error);
    });
    return verified(key, file.createReadStream({ highWaterMark: READ_BYTES }), asStoreError);
  }

  async delete(key: string): Promise<void> {
    const path = join(this.dir, checkedKey(key));
    try {
      await rm(path, { force: true });
      await removeEmptyFolders(dirname(path), this.dir);
    } catch (error) {
      throw asStoreError(error);
    }
  }

  /** Nothing to close: files are open only while they are read or written. */
  close(): void {
    this.#prepared = null;
  }

  /* Makes the folders, and removes what processes left that were killed during a put. Once; after a failure again. */
  #prepare(): Promise<void> {
    this.#prepared ??= this.#makeFolders().catch((error: unknown) => {
      this.#prepared = null;
      throw error;
    });
    return this.#prepared;
  }

  async #makeFolders(): Promise<void> {
    const incoming = join(this.dir, INCOMING);
    await mkdir(incoming, { recursive: true, mode: FOLDER_MODE });
    const before = this.clock.nowMs() - LEFTOVER_AFTER_MS;
    for await (const { name } of await opendir(incoming)) {
      const stats = await stat(join(incoming, name)).catch(() => null); // another process has just removed it
      if (stats !== null && stats.mtimeMs < before) await rm(join(incoming, name), { force: true });
    }
  }

  async #moveTo(path: string, incoming: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
        await rename(incoming, path);
        break;
      } catch (error) {
        if (systemCodeOf(error) !== 'ENOENT' || tries === RENAME_TRIES) throw error;
      }
    }
    // The name too, and those of its folders, must outlive a loss of power.
    for (const folder of foldersUpTo(dirname(path), this.dir)) await syncFolder(folder);
  }
}

function* foldersUpTo(folder: string, top: string): Generator<string> {
  for (let at = folder; ; at = dirname(at)) {
    yield at;
    if (relative(top, at) === '') return;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return null; // removed again, with what was in it
    throw error;
  });
  if (handle === null) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeEmptyFolders(folder: string, top: string): Promise<void> {
  for (const each of foldersUpTo(folder, top)) {
    if (each === top) return;
    try {
      await rmdir(each);
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '')) return;
      if (systemCodeOf(error) !== 'ENOENT') throw error;
    }
  }
}

function asStoreError(error: unknown): BlobStoreError {
  const code = systemCodeOf(error) ?? '';
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new BlobStoreError('the disk of the blobs is full', { isTemporary: true, cause: error });
  const isTemporary = ['EMFILE', 'ENFILE', 'EIO', 'ENOENT', 'ESTALE', 'ETIMEDOUT', 'EAGAIN'].includes(code);
  return new BlobStoreError(`the folder of the blobs: ${messageOf(error)}`, { isTemporary, cause: error });
}
