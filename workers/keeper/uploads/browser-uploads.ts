import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { systemCodeOf } from '../../../src/core/errors';
import { isFileName, numberedFileName } from '../../../src/core/file-name';
import { isNoRoom } from '../books/disk-room';
import type { DiskAllowance } from '../books/tenant-disk';
import { inFolder, linkIfFree, openFolder, SAFE_READ_FLAGS, type OpenFolder } from '../process/open-folder';
import type { RunDirectory } from '../process/run-directory';
import { UploadError, UploadQuota, UPLOADS_MAX, type CountedFile } from './upload-quota';

/** An uploaded file. */
export interface Upload {
  readonly name: string;
  /** Where the browser finds it. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Epoch milliseconds. */
  readonly uploadedAtMs: number;
}

/** A file to be uploaded. */
export interface IncomingFile {
  /** As `isFileName` demands. */
  readonly name: string;
  /** Is destroyed when the file is not taken. */
  readonly bytes: Readable;
  /** Null: not known. */
  readonly size: number | null;
}

/** Dependencies of {@link BrowserUploads}. */
export interface BrowserUploadsParts {
  readonly directory: Pick<RunDirectory, 'uploads' | 'incoming'>;
  /** How much disk space all uploads of this browser may take. */
  readonly allowance: DiskAllowance;
  /** Aborted when the browser has ended, or is ordered to end. */
  readonly over: AbortSignal;
  /** Called for every file that was not taken because the quota is used up. */
  readonly onCut: () => void;
}

/** The browser reads uploads and cannot change them, if the keeper is another user. */
const UPLOADS_MODE = 0o755;
const INCOMING_MODE = 0o700;
const FILE_MODE = 0o644;

const NEW_FILE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * The files that clients have put beside one browser, for file inputs of its pages. A file is written in a folder that
 * the browser cannot enter, and moved when it is complete. Names are never reused for other content while a file is
 * there: a page may be reading it. In a run directory of an earlier version the browser could have replaced these
 * folders, hence the checks of their owner.
 */
export class BrowserUploads {
  readonly #parts: BrowserUploadsParts;
  readonly #quota: UploadQuota;
  readonly #underWay = new Set<Readable>();
  #opened: Promise<void> | null = null;

  constructor(parts: BrowserUploadsParts) {
    this.#parts = parts;
    this.#quota = new UploadQuota(parts.allowance);
    parts.over.addEventListener('abort', () => this.#underWay.forEach(bytes => bytes.destroy(gone())), {
      once: true,
    });
  }

  /**
   * Counts what is there and removes what an earlier keeper has left incomplete; the other methods do that, too.
   *
   * @throws what the file system throws.
   */
  open(): Promise<void> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = null;
      throw error;
    });
    return this.#opened;
  }

  /** The files, by name. */
  async list(): Promise<Upload[]> {
    const { uploads } = this.#parts.directory;
    const found = await inFolder(uploads, [], filesIn, ownUid());
    return found
      .map(file => ({ ...file, path: join(uploads, file.name) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Stores a file under its name, or under the next free one: `a.txt`, `a (1).txt`.
   *
   * @throws UploadError; the error of `bytes`; what the file system throws. Nothing of the file is left then.
   */
  async store({ name, bytes, size }: IncomingFile): Promise<Upload> {
    const { over, onCut } = this.#parts;
    this.#underWay.add(bytes);
    bytes.on('error', ignored); // may end before it is read: the reading throws its error then
    let counted: CountedFile | null = null;
    try {
      await this.open();
      if (over.aborted) throw gone();
      counted = this.#quota.begin(size);
      return await this.#store(name, bytes, counted);
    } catch (error) {
      bytes.destroy();
      counted?.drop();
      if (error instanceof UploadError && error.refusal === 'quota') onCut();
      if (isNoRoom(error)) throw new UploadError('disk_full', 'the disk is full', { cause: error });
      throw over.aborted ? gone() : error;
    } finally {
      this.#underWay.delete(bytes);
    }
  }

  /** Opens a file, which the caller closes; null if there is none of this name. */
  async read(name: string): Promise<{ readonly file: FileHandle; readonly size: number } | null> {
    if (!isFileName(name)) return null;
    const { uploads } = this.#parts.directory;
    return inFolder(uploads, null, inside => openFile(join(inside, name)), ownUid());
  }

  /**
   * Removes a file; false if there is none of this name.
   *
   * @throws what the file system throws.
   */
  async remove(name: string): Promise<boolean> {
    if (!isFileName(name)) return false;
    await this.open();
    const { uploads } = this.#parts.directory;
    return inFolder(uploads, false, inside => this.#remove(join(inside, name)), ownUid());
  }

  async #remove(path: string): Promise<boolean> {
    const stats = await lstat(path).catch(() => null);
    if (stats === null || !stats.isFile()) return false;
    try {
      await unlink(path);
    } catch (error) {
      if (isMissing(error)) return false; // another call was faster
      throw error;
    }
    this.#quota.remove(stats.size);
    return true;
  }

  async #open(): Promise<void> {
    const { incoming, uploads } = this.#parts.directory;
    await inFolder(
      incoming,
      undefined,
      async inside => {
        for (const name of await readdir(inside)) await unlink(join(inside, name));
      },
      ownUid(),
    );
    const files = await inFolder(uploads, [], filesIn, ownUid());
    this.#quota.count(files.map(({ size }) => size));
  }

  async #store(name: string, bytes: Readable, counted: CountedFile): Promise<Upload> {
    const { incoming, uploads } = this.#parts.directory;
    const drafts = await ownFolder(incoming, INCOMING_MODE);
    try {
      const draft = join(drafts.inside, randomUUID());
      try {
        await write(draft, bytes, counted);
        return await inUploads(uploads, inside => give(draft, inside, uploads, name));
      } finally {
        await unlink(draft).catch(() => undefined); // never made, or gone with the run directory
      }
    } finally {
      await drafts.close();
    }
  }
}

async function openFile(path: string): Promise<{ file: FileHandle; size: number } | null> {
  const file = await open(path, SAFE_READ_FLAGS).catch(() => null);
  if (file === null) return null;
  const stats = await file.stat();
  if (stats.isFile()) return { file, size: stats.size };
  await file.close();
  return null;
}

async function write(draft: string, bytes: Readable, counted: CountedFile): Promise<void> {
  const file = await open(draft, NEW_FILE_FLAGS, FILE_MODE);
  try {
    await file.chmod(FILE_MODE); // with any umask
    for await (const chunk of bytes) {
      // SAFETY: bodies of requests are streams of buffers.
      const data = chunk as Buffer;
      counted.add(data.length);
      await file.writeFile(data);
    }
  } finally {
    await file.close();
  }
}

async function inUploads<T>(path: string, work: (inside: string) => Promise<T>): Promise<T> {
  const folder = await ownFolder(path, UPLOADS_MODE);
  try {
    return await work(folder.inside);
  } finally {
    await folder.close();
  }
}

async function give(draft: string, inside: string, uploads: string, wanted: string): Promise<Upload> {
  // There are fewer files than numbers.
  for (let n = 0; n <= UPLOADS_MAX; n += 1) {
    const name = numberedFileName(wanted, n);
    if (!(await linkIfFree(draft, join(inside, name)))) continue;
    const { size, mtimeMs } = await lstat(draft);
    return { name, path: join(uploads, name), size, uploadedAtMs: Math.floor(mtimeMs) };
  }
  throw new Error(`every number of ${wanted} is taken`);
}

async function filesIn(inside: string): Promise<Omit<Upload, 'path'>[]> {
  const found = await Promise.all(
    (await readdir(inside)).map(async name => {
      const stats = await lstat(join(inside, name)).catch(() => null); // removed meanwhile
      if (stats === null || !stats.isFile()) return [];
      return [{ name, size: stats.size, uploadedAtMs: Math.floor(stats.mtimeMs) }];
    }),
  );
  return found.flat();
}

/*
 * In a run directory of an earlier version the browser's user may have put something there first: then no file is
 * taken.
 */
async function ownFolder(path: string, mode: number): Promise<OpenFolder> {
  try {
    await mkdir(path, { mode: INCOMING_MODE });
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  }
  const folder = await openFolder(path, ownUid());
  if (folder === null) throw new Error(`${path} is not a folder of the keeper`);
  await folder.setMode(mode);
  return folder;
}

const ownUid = (): number | undefined => process.getuid?.();

const ignored = (): void => undefined;

const gone = (): UploadError => new UploadError('gone', 'the browser has ended');

const isMissing = (error: unknown): boolean => systemCodeOf(error) === 'ENOENT';
