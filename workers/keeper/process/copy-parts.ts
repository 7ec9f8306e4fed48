import { constants, type Stats } from 'node:fs';
import { copyFile, cp, mkdir, open, opendir, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openBelow, SAFE_READ_FLAGS } from './open-folder';

/** How deep folders are copied, each level with a descriptor; Chromium's profiles have some ten. */
const DEPTH_MAX = 64;

/**
 * Copies a part of a browser's folder: folders and plain files. What is neither is left out, as archives of profiles
 * leave it out: links, pipes, and files with a second name, which may be files that the browser itself could not read.
 * Each is opened without following a link.
 *
 * @param part - a path inside `folder`; one that does not exist is left out
 * @throws what the file system throws, and for folders that are nested too deeply.
 */
export async function copyPart(folder: string, part: string, target: string): Promise<void> {
  const source = await openBelow(folder, part);
  if (source === null) return;
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  if (process.platform === 'linux') return copyOpen(source, target, 0);
  // Descriptors have no path there, and browsers run as the keeper's own user.
  await source.close();
  await cp(join(folder, part), target, { recursive: true, verbatimSymlinks: true, errorOnExist: false });
}

async function copyOpen(source: FileHandle, target: string, depth: number): Promise<void> {
  try {
    const stats = await source.stat();
    // The file itself, whatever has its name by now.
    if (isPlainFile(stats)) await copyFile(pathOf(source), target, constants.COPYFILE_EXCL);
    if (!stats.isDirectory()) return;
    if (depth === DEPTH_MAX)
      throw new Error(`the folders of a profile are nested more than ${DEPTH_MAX} deep`);
    await mkdir(target, { mode: 0o700 });
    for await (const { name } of await opendir(pathOf(source))) {
      const inside = await open(join(pathOf(source), name), SAFE_READ_FLAGS).catch(() => null);
      if (inside !== null) await copyOpen(inside, join(target, name), depth + 1);
    }
  } finally {
    await source.close();
  }
}

const pathOf = ({ fd }: FileHandle): string => `/proc/self/fd/${fd}`;

const isPlainFile = (stats: Stats): boolean => stats.isFile() && stats.nlink === 1;
