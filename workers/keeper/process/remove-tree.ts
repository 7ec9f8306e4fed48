import { pause } from '../../../src/core/abort';
import { systemCodeOf } from '../../../src/core/errors';
import { signalGroup, type ProcessIdentity, type ProcessTable } from '../../../src/core/process-identity';
import { removeCgroups } from '../limits/cgroup';
import { hasOneBrowser } from '../users/browser-users';
import type { BrowserFacts, BrowserRuntime } from './browser-facts';
import { RunDirectory } from './run-directory';

const REMOVE_RETRY_MS = 1_000;

/** What is known of a browser that is to be removed. */
type Known = { readonly [name in 'shim' | 'user']: BrowserFacts[name] | null } & Pick<
  BrowserFacts,
  'cgroups'
>;

/** Of a browser without a record. */
export const UNKNOWN: Known = { shim: null, user: null, cgroups: [] };

/**
 * Kills what is in the browser's cgroups, its process group and the processes outside of it, all of the browser's user
 * if it has one alone, then removes the directory. If that is not possible right now (a
 * process in an uninterruptible wait, a failing disk), it is retried until all is gone: the slot must not be reused
 * before.
 *
 * @param known - shim: the leader of the group
 */
export async function removeTree(
  directory: RunDirectory,
  { shim, user: knownUser, cgroups: knownCgroups }: Known,
  { processes, leftovers, users, firewall, cgroups, log }: BrowserRuntime,
): Promise<void> {
  const user = knownUser ?? (await directory.user());
  for (let tries = 1; ; tries += 1) {
    try {
      const folders = [...new Set([...knownCgroups, ...cgroups.foldersOf(directory.name)])];
      await removeCgroups(folders);
      if (shim !== null) await killGroup(processes, shim);
      const single = user !== null && hasOneBrowser(user) ? user : null;
      await leftovers.kill(directory.path, single, folders.length > 0);
      await directory.remove();
      if (user !== null) {
        await firewall?.release(user);
        await users.free(user);
      }
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
  await Promise.all(strays.map(name => removeTree(RunDirectory.at(runRoot, name), UNKNOWN, runtime)));
  return strays.length;
}

async function killGroup(processes: ProcessTable, shim: ProcessIdentity): Promise<void> {
  try {
    await signalGroup(processes, shim, 'SIGKILL');
  } catch (error) {
    // macOS gives EPERM for a group that contains only zombies.
    if (systemCodeOf(error) !== 'EPERM') throw error;
  }
}
