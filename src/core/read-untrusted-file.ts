import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * The beginning of a file in a folder that a browser could write: a link is not followed, and a pipe does not block.
 * Null for anything that is not a readable file.
 */
export async function readUntrustedFile(path: string, maxBytes: number): Promise<string | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => null);
  if (file === null) return null;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return null; // a folder
  } finally {
    await file.close();
  }
}
