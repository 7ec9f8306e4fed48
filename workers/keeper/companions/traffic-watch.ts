import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { pause } from '../../../src/core/abort';
import type { RunDirectory } from '../process/run-directory';
import type { EgressTally } from './egress-tally';
import { TRAFFIC_BYTES } from './forward-proxy/traffic-report';
import type { Traffic } from './forward-proxy/traffic-meter';

/** How often it is looked at what has gone through. */
const EVERY_MS = 5_000;

const count = z.number().int().nonnegative();

/* Who writes it reads what pages have sent, so it is checked. */
const report = z.object({
  sentBytes: count,
  receivedBytes: count,
  refused: count,
  refusedHosts: z.array(z.string()),
});

/**
 * Opens the file in which the forward proxy of a browser writes down what has gone through it. The file is the keeper's,
 * and the process inherits it open: so the counts outlive both.
 *
 * @throws what the file system throws.
 */
export async function openTrafficFile({ trafficReport }: RunDirectory): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  const file = await open(trafficReport, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  // On a full disk bytes can only be replaced.
  if ((await file.stat()).size < TRAFFIC_BYTES) await file.write(' '.repeat(TRAFFIC_BYTES), 0);
  return file;
}

/** Adds to a tally what goes through the forward proxy of a browser, until `signal` is aborted, and then once more. */
export async function watchTraffic(
  directory: RunDirectory,
  tally: EgressTally,
  signal: AbortSignal,
): Promise<void> {
  // Of an adopted browser, what it had before is not this keeper's.
  let seen = trafficIn(await directory.traffic());
  for (let isOver = false; !isOver;) {
    await pause(EVERY_MS, signal);
    isOver = signal.aborted;
    const now = trafficIn(await directory.traffic());
    if (now !== null) tally.add(directory.name, seen, now);
    seen = now ?? seen;
  }
}

function trafficIn(text: string): Traffic | null {
  try {
    return report.parse(JSON.parse(text));
  } catch {
    return null; // not written yet, or not by our program
  }
}
