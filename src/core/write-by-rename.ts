import { chmod, rename, rm, writeFile } from 'node:fs/promises';

/**
 * Replaces a file in one step: a reader sees the old or the new content, even if this process dies during the write
 * or the disk is full.
 *
 * @throws what the file system throws; the old content is still there then.
 */
export async function writeByRename(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const draft = `${path}.new`;
  try {
    await writeFile(draft, content, { mode });
    await chmod(draft, mode); // with any umask
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined); // the first error matters more
    throw error;
  }
}
