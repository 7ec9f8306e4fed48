import type { SessionSnapshot } from './session.types';

/**
 * The version of the stored snapshot's shape. Raise it with every change of states or context, and add the
 * migration that brings the version below it forward; a golden snapshot of every released version is under test.
 */
export const MACHINE_VERSION = 1;

/** `migrations[v]` brings a snapshot of version `v` to `v + 1`. Pure. */
const migrations: Readonly<Record<number, (snapshot: unknown) => unknown>> = {};

/** Thrown for a row written by a newer process: an older one neither reads nor overwrites it. */
export class NewerMachineVersionError extends Error {
  constructor(readonly stored: number) {
    super(`row has machine version ${stored}, this process knows ${MACHINE_VERSION}`);
    this.name = 'NewerMachineVersionError';
  }
}

/**
 * Brings a stored snapshot to the current version; the next commit writes it back.
 *
 * @throws NewerMachineVersionError if `mv` is newer than this process.
 */
export function upgradeSnapshot(stored: unknown, mv: number): SessionSnapshot {
  if (mv > MACHINE_VERSION) throw new NewerMachineVersionError(mv);
  let snapshot = stored;
  for (let v = mv; v < MACHINE_VERSION; v += 1) {
    const migrate = migrations[v];
    if (migrate === undefined) throw new Error(`no migration from machine version ${v}`);
    snapshot = migrate(snapshot);
  }
  // SAFETY: rows are written by the commit script only, with a snapshot of the version they name.
  return snapshot as SessionSnapshot;
}
