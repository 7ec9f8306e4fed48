import { availableUids, type UidRange } from '../../../src/core/browser-uids';
import type { ProcessTable } from '../../../src/core/process-identity';
import { UserForEach } from './browser-users';
import { machineFolder } from './machine-folder';
import { UidReservations } from './uid-reservations';

/** What {@link usersForEach} needs. */
export interface UsersParts {
  /** The operator's range; null: the best that is available. */
  readonly wished: UidRange | null;
  readonly processes: ProcessTable;
  readonly nowMs: () => number;
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
  const reservations = await UidReservations.in(await machineFolder('uids'));
  return UserForEach.open({
    range: available.range,
    reservations,
    processes,
    nowMs,
    random: () => Math.random(),
  });
}
