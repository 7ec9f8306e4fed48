import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs some work with a temporary folder of its own, which every file of it is in, and which is gone afterwards.
 * Browsers that run as another user must be able to enter it.
 */
export async function inOwnFolder<T>(work: () => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hf-bench-'));
  await chmod(folder, 0o711);
  process.env['TMPDIR'] = folder;
  try {
    return await work();
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}
