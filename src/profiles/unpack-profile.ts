import type { Readable } from 'node:stream';
import { archiveEntries, type ArchiveEntry } from './archive-entries';
import { BadArchiveError } from './archive-errors';
import { ArchiveTally, type ArchiveLimits } from './archive-limits';
import type { BrowserState } from '../core/browser-state';
import { readManifest, readState, readText, type ArchiveHead } from './archive-head';
import { PROFILE_PREFIX, STATE_NAME, type ArchiveManifest } from './archive-manifest';
import { EntryNames } from './entry-names';
import { keptPreferences, PREFERENCES_BYTES_MAX } from './preferences';
import { PREFERENCES_PATH } from './profile-parts';
import { ProfileTree, type Owner } from './profile-tree';

/** An archive, and where it goes. */
export interface UnpackInput {
  readonly source: Readable;
  /** An empty folder, to become the user data directory of a browser that has not started yet. */
  readonly dir: string;
  readonly limits: ArchiveLimits;
  /** Whom the files shall belong to; default: this process's user. */
  readonly owner?: Owner;
}

/**
 * Unpacks an archive into a new profile. Whatever the archive contains, nothing is written outside of the folder, and
 * nothing in it that is not on the list of profile-parts.ts. After a failure the folder contains some of the files; the
 * caller removes it.
 *
 * @throws BadArchiveError, the error of the source, or what the file system throws.
 */
export async function unpackProfile({ source, dir, limits, owner }: UnpackInput): Promise<ArchiveHead> {
  const unpacking = new Unpacking(await ProfileTree.in(dir, owner ?? null), limits);
  for await (const entry of archiveEntries(source, limits)) await unpacking.take(entry);
  return unpacking.finish();
}

class Unpacking {
  readonly #names = new EntryNames();
  readonly #tally: ArchiveTally;
  #manifest: ArchiveManifest | null = null;
  #state: BrowserState | null = null;
  #preferences = keptPreferences('');

  constructor(
    private readonly tree: ProfileTree,
    private readonly limits: ArchiveLimits,
  ) {
    this.#tally = new ArchiveTally(limits);
  }

  /** The first entry is the manifest, the second one the state, all others are files of the profile. */
  async take(entry: ArchiveEntry): Promise<void> {
    const exceeded = this.#tally.add(entry.name, entry.bytes);
    if (exceeded !== null) throw new BadArchiveError('too_large', `${exceeded} is ${this.limits[exceeded]}`);
    if (this.#manifest === null) this.#manifest = await readManifest(entry);
    else if (this.#state === null) this.#state = await readState(entry, this.limits.maxStateBytes);
    else await this.#takeFile(entry);
  }

  async finish(): Promise<ArchiveHead> {
    if (this.#manifest === null) throw new BadArchiveError('bad_manifest', 'it is empty');
    if (this.#state === null) throw new BadArchiveError('bad_state', `it has no ${STATE_NAME}`);
    await this.tree.write(PREFERENCES_PATH, [Buffer.from(JSON.stringify(this.#preferences))]);
    return { manifest: this.#manifest, state: this.#state };
  }

  async #takeFile({ name, bytes, content }: ArchiveEntry): Promise<void> {
    const path = name.startsWith(PROFILE_PREFIX) ? name.slice(PROFILE_PREFIX.length) : null;
    const wrong = path === null ? 'not_allowed' : this.#names.add(path);
    if (path === null || wrong !== null)
      throw new BadArchiveError(wrong ?? 'not_allowed', `it contains ${JSON.stringify(name)}`);
    if (path === PREFERENCES_PATH) {
      // Sanitised once more: that they were when they were packed, the archive only says.
      this.#preferences = keptPreferences(await readText({ name, bytes, content }, PREFERENCES_BYTES_MAX));
    } else {
      await this.tree.write(path, content);
    }
  }
}
