import { readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessTable } from '../../../src/core/process-identity';
import { UserForEach } from './browser-users';
import { uidRange, type UidRange } from './uid-pool';
import { UidReservations } from './uid-reservations';

/** What {@link usersForEach} needs. */
export interface UsersParts {
  /** The operator's range; null: the best that is available. */
  readonly wished: UidRange | null;
  readonly processes: ProcessTable;
  readonly nowMs: () => number;
}

/** The range of user ids for browsers on this machine, or why there is none. */
export async function availableUids(
  wished: UidRange | null,
): Promise<{ readonly range: UidRange } | { readonly why: string }> {
  if (process.platform !== 'linux') return { why: 'only on Linux does each browser get a user of its own' };
  if (process.getuid?.() !== 0) return { why: 'only root can give each browser a user of its own' };
  const maps = await Promise.all(['uid', 'gid'].map(kind => readFile(`/proc/self/${kind}_map`, 'utf8')));
  return uidRange(maps, wished);
}

/**
 * A user for each browser, or why that is not possible here.
 *
 * @throws what the file system throws.
 */
export async function usersForEach({
  wished,
  processes,
  nowMs,
}: UsersParts): Promise<UserForEach | { readonly why: string }> {
  const available = await availableUids(wished);
  if ('why' in available) return available;
  const hasRun = await stat('/run').catch(() => null);
  const folder = hasRun?.isDirectory() ? '/run/holdfast/uids' : join(tmpdir(), 'holdfast-uids');
  const reservations = await UidReservations.in(folder);
  return UserForEach.open({
    range: available.range,
    reservations,
    processes,
    nowMs,
    random: () => Math.random(),
  });
}
