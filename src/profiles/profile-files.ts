import { constants, type Stats } from 'node:fs';
import { open, opendir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../core/errors';
import { ArchiveTooLargeError, ProfileChangedError } from './archive-errors';
import type { ArchiveLimits } from './archive-limits';
import { keptNames } from './profile-parts';

/** A file of a profile that is open for reading. */
export interface ProfileFile {
  /** Relative to the profile. */
  readonly path: string;
  readonly bytes: number;
  /**
   * Exactly `bytes` bytes, also of a file that grows.
   *
   * @throws ProfileChangedError if it has become shorter.
   */
  read(): AsyncGenerator<Buffer>;
}

/**
 * A browser wrote the profile, and packing may run as root. So links are not followed, opening a pipe does not block,
 * and each file is opened by its name in the folder that is open already, which cannot be replaced by a link.
 */
const SAFE_READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What opening fails with if a name is a link or a socket, or is gone. */
const NOTHING_TO_KEEP = ['ELOOP', 'ENXIO', 'ENOENT'];

const READ_BYTES = 256 * 2 ** 10;

/**
 * The files of a profile that are kept, in the order of their names. Each is open until the next one is asked for.
 *
 * @throws ArchiveTooLargeError for a folder with more entries or more levels than an archive may have,
 *   ProfileChangedError from `read`, and what the file system throws.
 */
export async function* keptFiles(dir: string, limits: ArchiveLimits): AsyncGenerator<ProfileFile> {
  yield* below(dir, '', limits);
}

async function* below(place: string, path: string, limits: ArchiveLimits): AsyncGenerator<ProfileFile> {
  const handle = await openNoLink(place);
  if (handle === null) return;
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) {
      if (path.split('/').length >= limits.maxDepth)
        throw new ArchiveTooLargeError('maxDepth', limits.maxDepth);
      // The folder itself, whatever has its name by now. Elsewhere than on Linux browsers run as our own user.
      const inside = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : place;
      for (const name of keptNames(path) ?? (await namesIn(inside, limits))) {
        yield* below(join(inside, name), path === '' ? name : `${path}/${name}`, limits);
      }
    } else if (isPlainFile(stats)) {
      yield { path, bytes: stats.size, read: () => readExactly(handle, stats.size, path) };
    }
  } finally {
    await handle.close();
  }
}

async function openNoLink(place: string): Promise<FileHandle | null> {
  try {
    return await open(place, SAFE_READ_FLAGS);
  } catch (error) {
    if (NOTHING_TO_KEEP.includes(systemCodeOf(error) ?? '')) return null;
    throw error;
  }
}

async function namesIn(folder: string, limits: ArchiveLimits): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of await opendir(folder)) {
    names.push(name);
    if (names.length > limits.maxFiles) throw new ArchiveTooLargeError('maxFiles', limits.maxFiles);
  }
  return names.sort();
}

/* A file with a second name may be one that the browser itself could not read. */
const isPlainFile = (stats: Stats): boolean => stats.isFile() && stats.nlink === 1;

async function* readExactly(file: FileHandle, bytes: number, path: string): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes;) {
    const length = Math.min(READ_BYTES, bytes - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) throw new ProfileChangedError(path);
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
