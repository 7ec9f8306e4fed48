import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { watchUntil } from '../process/watch-until';
import { readCounts } from './cgroup';

/** Version 1 does not notify. */
const EVERY_MS = 1_000;

/**
 * Resolves when one of these cgroups has refused a process or thread for the first time: true, or false if nothing
 * there refuses any, or `signal` is aborted before.
 */
export async function untilForkRefused(folders: readonly string[], signal: AbortSignal): Promise<boolean> {
  for (const folder of folders) {
    const hasEvents = await access(join(folder, 'pids.events')).then(
      () => true,
      () => false, // of another controller
    );
    if (!hasEvents) continue;
    const probe = async (): Promise<true | null> =>
      (await readCounts([folder])).forksRefused > 0 ? true : null;
    return watchUntil({ folder, names: ['pids.events'], everyMs: EVERY_MS, signal, probe }).catch(
      () => false,
    );
  }
  return false;
}
