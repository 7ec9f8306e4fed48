import { constants } from 'node:os';
import type { GoneReport } from '../door/protocol';
import type { RunDirectory } from './run-directory';

/** The report of a browser that ended without an order of the keeper, and before it was taken for hung. */
export async function reportExit(status: number | null, directory: RunDirectory): Promise<GoneReport> {
  // Status 0 alone proves nothing: a SIGTERM from outside gives 0 as well, but then the profile contains
  // `SessionEnded`. The headless shell writes nothing, and a signal from outside is its status (both 156).
  if (status === 0 && ['Normal', null].includes(await directory.exitType())) {
    return { cause: 'client_closed_browser', message: 'the browser was closed by a client' };
  }
  const lastLines = await directory.lastLines();
  const message = `the browser ${describeStatus(status)}`;
  return {
    cause: 'browser_crashed',
    message: lastLines === '' ? message : `${message}; its last output: ${lastLines}`,
  };
}

/** The report of a browser that a keeper does not take over, because something on the machine contradicts its record. */
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
