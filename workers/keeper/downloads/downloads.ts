import type { Stats } from 'node:fs';
import { lstat, open, opendir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isFileName, numberedFileName } from '../../../src/core/file-name';
import { inFolder, linkIfFree, SAFE_READ_FLAGS } from '../process/open-folder';

/** One file in a browser's folder for downloads. */
export interface Download {
  readonly name: string;
  /** Bytes so far. */
  readonly size: number;
  /** Epoch milliseconds. */
  readonly modifiedAtMs: number;
  /** False: Chromium is still writing it, under a name of its own. */
  readonly isComplete: boolean;
}

/** A finished download that can be read; the reader closes it. */
export interface OpenDownload {
  readonly file: FileHandle;
  readonly size: number;
}

/** How many downloads are listed at most, among at most ten times as many entries of the folder. */
export const DOWNLOADS_LISTED_MAX = 1_000;
const ENTRIES_READ_MAX = 10 * DOWNLOADS_LISTED_MAX;

/** After so many files with the same name the next one keeps its guid. */
const SAME_NAMES_MAX = 1_000;

/** The unit of `st_blocks`, whatever the file system's own is. */
const BLOCK_BYTES = 512;

/**
 * Names of files that Chromium has not completed: this suffix or, for a moment before it knows the folder,
 * {@link BEGUN}.
 */
const UNFINISHED = /\.crdownload$/;
const NAMELESS = /^(?:Unconfirmed \d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const BEGUN = /^\.(?:org\.chromium\.Chromium|com\.google\.Chrome)\.\w{6}$/;

/** The downloads, by name; none if the folder is gone or was replaced. */
export async function listDownloads(folder: string, uid: number): Promise<Download[]> {
  return inFolder(folder, [], async inside => {
    const found: Download[] = [];
    let looked = 0;
    for await (const { name } of await opendir(inside)) {
      looked += 1;
      if (found.length === DOWNLOADS_LISTED_MAX || looked > ENTRIES_READ_MAX) break;
      const stats = await lstat(join(inside, name)).catch(() => null); // renamed meanwhile: the download has finished
      if (stats === null || !isOwnFile(stats, uid)) continue;
      const { size, mtimeMs } = stats;
      found.push({ name, size, modifiedAtMs: Math.floor(mtimeMs), isComplete: !UNFINISHED.test(name) });
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

/** Opens a finished download; null if there is none of this name. */
export async function openDownload(folder: string, name: string, uid: number): Promise<OpenDownload | null> {
  if (!isFileName(name) || UNFINISHED.test(name)) return null;
  return inFolder(folder, null, async inside => {
    const file = await open(join(inside, name), SAFE_READ_FLAGS).catch(() => null);
    if (file === null) return null;
    const stats = await file.stat();
    if (isOwnFile(stats, uid)) return { file, size: stats.size };
    await file.close();
    return null;
  });
}

/** A download as it counts against a quota. */
export interface MeasuredDownload {
  /** Does not change when the file is renamed. */
  readonly inode: number;
  readonly name: string;
  /** Length of the file, bytes. */
  readonly size: number;
  /** Bytes on the disk: less than the size if parts are not written yet. */
  readonly allocatedBytes: number;
  readonly modifiedAtMs: number;
  readonly isComplete: boolean;
}

/** All files in a browser's download folder that take space, without a limit on their number. */
export async function measureDownloads(folder: string, uid: number): Promise<MeasuredDownload[]> {
  return inFolder(folder, [], async inside => {
    // By inode: during a rename a file has two names for a moment.
    const found = new Map<number, MeasuredDownload>();
    for await (const { name } of await opendir(inside)) {
      const stats = await lstat(join(inside, name)).catch(() => null);
      if (stats === null || !isOwnFile(stats, uid)) continue;
      const { ino: inode, size, mtimeMs, blocks } = stats;
      const isComplete = !UNFINISHED.test(name) && !BEGUN.test(name);
      const allocatedBytes = blocks * BLOCK_BYTES;
      found.set(inode, { inode, name, size, allocatedBytes, modifiedAtMs: mtimeMs, isComplete });
    }
    return [...found.values()];
  });
}

/** Removes a file from a browser's folder for downloads, if it is there. */
export async function removeDownload(folder: string, name: string): Promise<void> {
  if (!isFileName(name)) return;
  await inFolder(folder, undefined, inside => unlink(join(inside, name)).catch(() => undefined));
}

/** The final name of an unfinished download; null: not known yet, or its guid. */
export function finalNameOf(unfinished: string): string | null {
  const name = unfinished.replace(UNFINISHED, '');
  return BEGUN.test(name) || NAMELESS.test(name) ? null : name;
}

/**
 * Renames a file to the wanted name, or to the next free one as Chromium counts: `a.txt`, `a (1).txt`. Never replaces
 * another file. Returns its name, which is the old one if no such name is available.
 *
 * @throws what the file system throws.
 */
export async function renameDownload(
  folder: string,
  name: string,
  wished: string,
  uid: number,
): Promise<string> {
  if (!isFileName(name) || !isFileName(wished) || UNFINISHED.test(wished)) return name;
  return inFolder(folder, name, async inside => {
    const stats = await lstat(join(inside, name)).catch(() => null);
    if (stats === null || !isOwnFile(stats, uid)) return name;
    for (let n = 0; n <= SAME_NAMES_MAX; n += 1) {
      const free = numberedFileName(wished, n);
      if (!(await linkIfFree(join(inside, name), join(inside, free)))) continue;
      await unlink(join(inside, name));
      return free;
    }
    return name;
  });
}

/* Only regular files of the browser's own user count. */
const isOwnFile = (stats: Stats, uid: number): boolean => stats.isFile() && stats.uid === uid;
