import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Where the keepers of a machine, which are root, keep what they have to agree on. It is empty after a boot, where the
 * system has such a folder.
 */
export async function machineFolder(name: string): Promise<string> {
  const hasRun = await stat('/run').catch(() => null);
  return hasRun?.isDirectory() ? join('/run/holdfast', name) : join(tmpdir(), `holdfast-${name}`);
}

/**
 * Makes a folder that no other user can read.
 *
 * @throws if it belongs to another user; what the file system throws.
 */
export async function makeOwnFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o711 });
  if (made !== undefined) await chmod(made, 0o711);
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.())
    throw new Error(`${folder} exists, but it is not a folder of this user`);
  await chmod(folder, 0o700);
}
