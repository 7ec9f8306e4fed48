import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of one test, and a function that removes it. */
export interface TempDir {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * Makes `hf-test-<random>` in the folder that the leak guard watches for this test file. Mode 0711: browsers run
 * under another uid and must be able to pass through. Otherwise the keeper puts its run directories elsewhere.
 */
export async function makeTempDir(): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), 'hf-test-'));
  await chmod(path, 0o711);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
