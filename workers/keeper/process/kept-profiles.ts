import { randomUUID } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { copyPart } from './copy-parts';
import { removeFolder } from './remove-folder';
import type { RunDirectory } from './run-directory';
import { keptFolder, mountsFolder } from './run-root';

/**
 * Removes prepared profiles that no launch will take any more, and kept ones of no recorded browser.
 *
 * @param known - the names of the run directories that belong to a browser
 */
export async function removeUnknownProfiles(runRoot: string, known: ReadonlySet<string>): Promise<void> {
  const [mounts, kept] = [mountsFolder(runRoot), keptFolder(runRoot)];
  const unknown = [
    ...(await readdir(mounts)).map(name => join(mounts, name)),
    ...(await readdir(kept)).filter(name => !known.has(name)).map(name => join(kept, name)),
  ];
  await Promise.all(unknown.map(removeFolder));
}

/** The save has been made, or nothing is to be saved: removes the kept profile of a browser, and copies of it. */
export async function dropKeptProfile({ root, name, profileUse }: RunDirectory): Promise<void> {
  if (profileUse.isKept) await removeKept(root, entry => entry === name || isCopyOf(name, entry));
}

/**
 * Copies parts of a profile into a new folder and answers its path. Earlier copies are removed: a worker makes one at a
 * time and removes it, so that those are of a worker that was killed. A part that does not exist is left out.
 *
 * @param parts - paths inside the profile
 * @throws what the file system throws; then nothing of the copy is left.
 */
export async function copyParts(directory: RunDirectory, parts: readonly string[]): Promise<string> {
  const { root, name } = directory;
  const copy = join(keptFolder(root), `${name}.${randomUUID()}`);
  try {
    await removeKept(root, entry => isCopyOf(name, entry));
    await mkdir(copy, { mode: 0o700 });
    for (const part of parts) await copyPart(directory.profile, part, join(copy, part));
    return copy;
  } catch (error) {
    await removeFolder(copy);
    throw error;
  }
}

const isCopyOf = (name: string, entry: string): boolean => entry.startsWith(`${name}.`);

async function removeKept(runRoot: string, isWanted: (entry: string) => boolean): Promise<void> {
  const kept = keptFolder(runRoot);
  const entries = (await readdir(kept)).filter(isWanted);
  await Promise.all(entries.map(entry => removeFolder(join(kept, entry))));
}
