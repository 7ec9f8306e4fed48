import { chmodSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Server } from 'node:net';

/**
 * Listens on a Unix socket that only its owner can connect to (0600); the file of a dead process is replaced.
 *
 * @throws if the path cannot be bound.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  await rm(path, { force: true });
  // The file is made synchronously inside listen(): with this mask no other user can ever open it.
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
      process.umask(mask);
    });
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o600);
}
