import { pause } from '../../../src/core/abort';
import type { RunDirectory } from '../process/run-directory';
import type { EgressTally } from './egress-tally';
import { readTraffic } from './traffic-file';

/** How often it is looked at what has gone through. */
const EVERY_MS = 5_000;

/** Adds to a tally what goes through the forward proxy of a browser, until `signal` is aborted, and then once more. */
export async function watchTraffic(
  directory: RunDirectory,
  tally: EgressTally,
  signal: AbortSignal,
): Promise<void> {
  // Of an adopted browser, what it had before is not this keeper's.
  let seen = await readTraffic(directory);
  for (let isOver = false; !isOver;) {
    await pause(EVERY_MS, signal);
    isOver = signal.aborted;
    const now = await readTraffic(directory);
    if (now !== null) tally.add(directory.name, seen, now);
    seen = now ?? seen;
  }
}
