import { randomUUID } from 'node:crypto';
import { chmod, lstat, opendir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pause } from '../../../src/core/abort';
import { systemCodeOf } from '../../../src/core/errors';
import { openFolder } from './open-folder';

/** A dying process may still be writing; one that exchanges a folder for a link makes about every second try fail. */
const TRIES = 30;
const RETRY_MS = 20;

/** How deep folders are followed, each level with a descriptor; what lies deeper is moved up first. */
const DEPTH_MAX = 32;

/** How many files are removed at once. */
const BATCH = 64;

/**
 * Removes a folder with everything in it, or nothing if there is none. Links are removed and never followed, whatever
 * is put in the place of a folder meanwhile: each one is opened without following a link, and emptied through its
 * descriptor. Node's `rm` goes by paths, and can be led elsewhere by a folder that is exchanged for a link.
 *
 * @param path - in a folder that only the keeper's user can write to
 * @throws what the file system throws.
 */
export async function removeFolder(path: string): Promise<void> {
  if (process.platform !== 'linux')
    return rm(path, { recursive: true, force: true, maxRetries: TRIES, retryDelay: RETRY_MS });
  for (let tries = 1; ; tries += 1) {
    try {
      await removeEntry(dirname(path), basename(path), { depth: 0, top: dirname(path) });
      return;
    } catch (error) {
      if (tries === TRIES) throw error;
      await pause(RETRY_MS);
    }
  }
}

/** Where a removal is. */
interface Place {
  readonly depth: number;
  /** The folder into which what lies too deep is moved. */
  readonly top: string;
}

/* A folder or anything else. */
async function removeEntry(inside: string, name: string, place: Place): Promise<void> {
  const path = join(inside, name);
  const folder = (await openFolder(path)) ?? (await openClosed(path));
  if (folder === null) return unlessMissing(unlink(path));
  const isTooDeep = place.depth > DEPTH_MAX;
  try {
    if (process.getuid?.() !== 0) await folder.setMode(0o700);
    if (!isTooDeep)
      await empty(folder.inside, {
        depth: place.depth + 1,
        top: place.depth === 0 ? folder.inside : place.top,
      });
  } finally {
    await folder.close();
  }
  await unlessMissing(isTooDeep ? rename(path, join(place.top, randomUUID())) : rmdir(path));
}

/* What is too deep comes back to the top, hence the repetition. */
async function empty(inside: string, place: Place): Promise<void> {
  for (let isEmpty = false; !isEmpty;) {
    isEmpty = true;
    const files: Promise<void>[] = [];
    try {
      for await (const entry of await opendir(inside)) {
        isEmpty = false;
        if (entry.isDirectory()) await removeEntry(inside, entry.name, place);
        else files.push(removeFile(inside, entry.name, place));
        if (files.length === BATCH) await allOf(files.splice(0));
      }
    } finally {
      // After an error, too: they go by a descriptor, which is closed next and may then be another folder's.
      await Promise.allSettled(files);
    }
    await Promise.all(files);
  }
}

/* Waits for all, also after an error of one. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

/* Or a folder: some file systems do not say what an entry is, and it may have become one. */
async function removeFile(inside: string, name: string, place: Place): Promise<void> {
  try {
    await unlessMissing(unlink(join(inside, name)));
  } catch (error) {
    if (!['EISDIR', 'EPERM'].includes(systemCodeOf(error) ?? '')) throw error;
    await removeEntry(inside, name, place);
  }
}

/* A folder of our own that its mode closes to us; only for a keeper that is not root. */
async function openClosed(path: string): ReturnType<typeof openFolder> {
  const stats = await lstat(path).catch(() => null);
  if (process.getuid?.() === 0 || stats === null || !stats.isDirectory()) return null;
  await chmod(path, 0o700);
  return openFolder(path);
}

async function unlessMissing(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  });
}
