import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { openFolder } from './open-folder';

/** How deep folders are followed, each level with a descriptor. Chromium's profiles are some ten levels deep. */
const DEPTH_MAX = 64;

/** The unit of `st_blocks`, whatever the file system's own is. */
export const BLOCK_BYTES = 512;

/** What a file takes at least, an empty one too: its inode, and its name in the folder. */
const ENTRY_BYTES = 1_024;

/** A profile has some two hundred files, and with a full cache some ten thousand. */
const ENTRIES_MAX = 200_000;

/** Reading and passing, for the owner of a folder. */
const OWNER_MAY_LIST = 0o500;

/** What {@link measureTree} leaves out. */
export type LeftOut = (entry: Stats, depth: number) => boolean;

/** What was found so far, and when to stop. */
interface Walk {
  bytes: number;
  entries: number;
  readonly stopAboveBytes: number;
  readonly leavesOut: LeftOut;
  /** Inodes with several names, which are counted once. */
  readonly linked: Set<number>;
}

/**
 * How many bytes of the disk everything below a folder takes. The browser may be writing there meanwhile, and nothing
 * in it is believed: no link is followed, each folder is read through its descriptor, and a walk ends as soon as it has
 * found more than `stopAboveBytes`. What cannot be read, because it is nested too deeply or its owner has closed it,
 * and too many entries to be read count as more than any limit: Chromium makes none of these.
 *
 * @param leavesOut - what is not counted; the entries of the folder itself have depth 0
 * @returns 0 if there is no such folder.
 */
export async function measureTree(
  path: string,
  stopAboveBytes: number,
  leavesOut: LeftOut = () => false,
): Promise<number> {
  const walk: Walk = { bytes: 0, entries: 0, stopAboveBytes, leavesOut, linked: new Set() };
  await measure(path, 0, walk);
  return walk.bytes;
}

async function measure(path: string, depth: number, walk: Walk): Promise<void> {
  if (depth > DEPTH_MAX) {
    walk.bytes = Infinity;
    return;
  }
  const folder = await openFolder(path);
  if (folder === null) {
    if (await isClosed(path)) walk.bytes = Infinity;
    return;
  }
  try {
    for await (const { name } of await opendir(folder.inside)) {
      if (walk.bytes > walk.stopAboveBytes) return;
      const inside = join(folder.inside, name);
      const stats = await lstat(inside).catch(() => null);
      if (stats === null || walk.leavesOut(stats, depth)) continue;
      count(stats, walk);
      if (stats.isDirectory()) await measure(inside, depth + 1, walk);
    }
  } finally {
    await folder.close();
  }
}

function count(stats: Stats, walk: Walk): void {
  const hasMoreNames = stats.nlink > 1 && !stats.isDirectory();
  const isCounted = hasMoreNames && walk.linked.has(stats.ino);
  if (hasMoreNames) walk.linked.add(stats.ino);
  walk.entries += 1;
  if (walk.entries > ENTRIES_MAX) walk.bytes = Infinity;
  walk.bytes += ENTRY_BYTES + (isCounted ? 0 : stats.blocks * BLOCK_BYTES);
}

/* A folder that is there, and that its mode closes to its owner; root can open it all the same. */
async function isClosed(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => null); // removed meanwhile
  return stats !== null && stats.isDirectory() && (stats.mode & OWNER_MAY_LIST) !== OWNER_MAY_LIST;
}
