import type { Traffic } from '../../../src/core/traffic';
import { dropTraffic, readTraffic, removeUnknownTraffic } from '../companions/traffic-file';
import { dropKeptProfile, removeUnknownProfiles } from '../process/kept-profiles';
import type { RunDirectory } from '../process/run-directory';

/** What is left of a browser when its processes and its folder are gone, until its worker forgets it. */
export interface Remains {
  /** Where its profile is; null if it is not kept. */
  readonly profile: string | null;
  /** What has gone through its forward proxy; null: it had none. */
  readonly traffic: Traffic | null;
}

/** Nothing is left. */
export const NO_REMAINS: Remains = { profile: null, traffic: null };

/** Looks for what is left. */
export async function findRemains(directory: RunDirectory): Promise<Remains> {
  return { profile: directory.keptProfile, traffic: await readTraffic(directory) };
}

/** Removes what is left. */
export async function dropRemains(directory: RunDirectory): Promise<void> {
  await dropKeptProfile(directory);
  await dropTraffic(directory);
}

/**
 * Removes what is left of browsers without a record.
 *
 * @param known - the names of the run directories that belong to a browser
 */
export async function removeUnknownRemains(runRoot: string, known: ReadonlySet<string>): Promise<void> {
  await removeUnknownProfiles(runRoot, known);
  await removeUnknownTraffic(runRoot, known);
}
