import { constants } from 'node:fs';
import { link, open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../../../src/core/errors';

/**
 * The clients of a browser may have put anything into its folders or replaced them, and the keeper may be root. So
 * links are not followed, and opening a pipe does not block.
 */
export const SAFE_READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A folder that cannot be replaced as long as it is open. */
export interface OpenFolder {
  /** Its path for the files in it. */
  readonly inside: string;
  /** @throws what the file system throws. */
  setMode(mode: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a folder: on Linux what is in it is reached through its descriptor, which is equivalent to `openat`. On other
 * systems through the path; browsers run as the keeper's own user there.
 *
 * @param owner - the uid that it must belong to; left out: any
 * @returns null if there is none, or something else is in its place.
 */
export async function openFolder(path: string, owner?: number): Promise<OpenFolder | null> {
  const handle = await open(path, SAFE_READ_FLAGS | constants.O_DIRECTORY).catch(() => null);
  if (handle === null) return null;
  if (owner !== undefined && (await handle.stat()).uid !== owner) {
    await handle.close();
    return null;
  }
  return {
    inside: process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : path,
    setMode: mode => handle.chmod(mode),
    close: () => handle.close(),
  };
}

/** Works in a folder of a browser; answers `otherwise` if there is none. */
export async function inFolder<T>(
  path: string,
  otherwise: T,
  work: (inside: string) => Promise<T>,
  owner?: number,
): Promise<T> {
  const folder = await openFolder(path, owner);
  if (folder === null) return otherwise;
  try {
    return await work(folder.inside);
  } finally {
    await folder.close();
  }
}

/**
 * Opens what is below a folder for reading, whatever it is; no part of the name may be a link. The caller closes it.
 *
 * @param name - relative to the folder, parts separated by `/`
 * @returns null if there is none.
 */
export async function openBelow(folder: string, name: string): Promise<FileHandle | null> {
  const [first = '', ...rest] = name.split('/');
  const path = join(folder, first);
  if (rest.length === 0) return open(path, SAFE_READ_FLAGS).catch(() => null);
  return inFolder(path, null, inside => openBelow(inside, rest.join('/')));
}

/**
 * Gives a file a second name if that one is free. With link(2), because a rename could overwrite another file.
 *
 * @throws what the file system throws.
 */
export async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}
