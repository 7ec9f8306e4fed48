import type { BadArchiveReason } from './archive-errors';
import { isKeptFile } from './profile-parts';

/** File systems of Linux and macOS allow so much of one name. */
const NAME_BYTES_MAX = 255;

/* Besides control characters: a backslash divides paths elsewhere, and U+FFFD stands for bytes that are no UTF-8. */
const FORBIDDEN = /[\0-\x1f\x7f\\\ufffd]/u;

/**
 * The names of an archive. Each may come once, also on a file system for which `A` and `a`, or two ways to write `é`,
 * are one name.
 */
export class EntryNames {
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();

  /** Adds a path in the profile; answers what is wrong with it, or null. */
  add(path: string): BadArchiveReason | null {
    const parts = path.split('/');
    if (FORBIDDEN.test(path) || !parts.every(isFileName)) return 'bad_name';
    if (!isKeptFile(path)) return 'not_allowed';
    const same = path.normalize('NFC').toLowerCase();
    if (this.#files.has(same) || this.#folders.has(same)) return 'duplicate_name';
    const above = foldersAbove(same);
    if (above.some(folder => this.#files.has(folder))) return 'duplicate_name';
    this.#files.add(same);
    for (const folder of above) this.#folders.add(folder);
    return null;
  }
}

const isFileName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && Buffer.byteLength(name) <= NAME_BYTES_MAX;

function foldersAbove(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
