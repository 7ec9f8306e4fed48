import { constants } from 'node:os';
import type { GoneReport } from '../door/protocol';
import { exceededLimit, readCounts, type ExceededLimit } from '../limits/cgroup';
import type { RunDirectory } from './run-directory';

/**
 * The report of a browser that ended without an order of the keeper, and before it was taken for hung.
 *
 * @param cgroups - the folders of its cgroups, which still exist
 */
export async function reportExit(
  status: number | null,
  directory: RunDirectory,
  cgroups: readonly string[],
): Promise<GoneReport> {
  // Status 0 alone proves nothing: a SIGTERM from outside gives 0 as well, but then the profile contains
  // `SessionEnded`. The headless shell writes nothing, and a signal from outside is its status (both 156).
  if (status === 0 && ['Normal', null].includes(await directory.exitType())) {
    return { cause: 'client_closed_browser', message: 'the browser was closed by a client' };
  }
  const exceeded = await findExceeded(status, cgroups);
  if (exceeded !== null) return exceeded;
  const lastLines = await directory.lastLines();
  const message = `the browser ${describeStatus(status)}`;
  return {
    cause: 'browser_crashed',
    message: lastLines === '' ? message : `${message}; its last output: ${lastLines}`,
  };
}

const LIMITS: Readonly<Record<ExceededLimit, string>> = {
  memory: 'memory (HOLDFAST_BROWSER_MEMORY_MAX_BYTES)',
  pids: 'pids, its processes and threads (HOLDFAST_BROWSER_PIDS_MAX)',
};

/** The report of a browser that has ended because of a limit; null if none has ended it. */
export async function findExceeded(
  status: number | null,
  cgroups: readonly string[],
): Promise<GoneReport | null> {
  const limit = exceededLimit(status, await readCounts(cgroups));
  if (limit === null) return null;
  const message = `the browser ${describeStatus(status)}: it has reached its limit of ${LIMITS[limit]}`;
  return { cause: 'resource_limit', message };
}

/** The report of a browser that is given up because it could start no process any more. */
export function reportForkRefused(): GoneReport {
  return {
    cause: 'resource_limit',
    message: `the browser was ended: it has reached its limit of ${LIMITS.pids}`,
  };
}

/** The report of a browser that is given up because its own files take too much of the disk. */
export function reportDiskUsed(isTenants: boolean): GoneReport {
  const limit = isTenants
    ? 'disk, the quota diskBytes of its tenant'
    : 'disk, its profile and temporary files (HOLDFAST_BROWSER_DISK_MAX_BYTES)';
  return { cause: 'resource_limit', message: `the browser was ended: it has reached its limit of ${limit}` };
}

/**
 * The report of a browser that a keeper does not take over, because something on the machine contradicts its record.
 */
export function reportRefused(why: string): GoneReport {
  return { cause: 'browser_crashed', message: `the browser cannot be taken over: ${why}` };
}

/** The report of an end by the keeper's order: it has no cause, so the worker does not take it for an event. */
export function reportOrdered(message: string): GoneReport {
  return { cause: null, message };
}

function describeStatus(status: number | null): string {
  if (status === null) return 'ended without an exit status';
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
  return signal === undefined ? `exited with status ${status}` : `was killed by ${signal}`;
}
