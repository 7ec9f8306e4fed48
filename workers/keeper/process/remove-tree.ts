import { pause } from '../../../src/core/abort';
import { signalGroup, type ProcessIdentity, type ProcessTable } from '../../../src/core/process-identity';
import type { BrowserRuntime } from './browser-facts';
import { RunDirectory } from './run-directory';

const REMOVE_RETRY_MS = 1_000;

/**
 * Kills the group and the processes outside of it, then removes the directory. If that is not possible right now (a
 * process in an uninterruptible wait, a failing disk), it is retried until all is gone: the slot must not be reused
 * before.
 *
 * @param shim - the leader of the group; null: none is known
 */
export async function removeTree(
  directory: RunDirectory,
  shim: ProcessIdentity | null,
  { processes, leftovers, log }: BrowserRuntime,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      if (shim !== null) await killGroup(processes, shim);
      await leftovers.kill(directory.path);
      await directory.remove();
      return;
    } catch (error) {
      if (tries === 1)
        log.error({ err: error, directory: directory.path }, 'a browser could not be removed; trying again');
      await pause(REMOVE_RETRY_MS);
    }
  }
}

/**
 * Removes run directories that belong to no browser; answers how many there were.
 *
 * @param known - the names of run directories that belong to a browser; they must be included before they are created,
 *   until after they are removed
 * @throws if the run root cannot be read.
 */
export async function reapStrays(
  runRoot: string,
  known: () => ReadonlySet<string>,
  runtime: BrowserRuntime,
): Promise<number> {
  const before = known();
  const there = await RunDirectory.list(runRoot);
  // Called before and after: a directory that was created or removed while the folder was read is not a stray.
  const after = known();
  const strays = there.filter(name => !before.has(name) && !after.has(name));
  if (strays.length > 0)
    runtime.log.warn({ strays }, 'run directories that belong to no browser are removed');
  await Promise.all(strays.map(name => removeTree(RunDirectory.at(runRoot, name), null, runtime)));
  return strays.length;
}

async function killGroup(processes: ProcessTable, shim: ProcessIdentity): Promise<void> {
  try {
    await signalGroup(processes, shim, 'SIGKILL');
  } catch (error) {
    // SAFETY: process.kill throws system errors only. macOS gives EPERM for a group that contains only zombies.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}
