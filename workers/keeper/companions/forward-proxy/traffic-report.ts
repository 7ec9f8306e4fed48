import { readSync, writeSync } from 'node:fs';
import { NO_TRAFFIC, type Traffic } from '../../../../src/core/traffic';

/** The size of a report, always the same: each replaces the one before. Ten of the longest names fit. */
export const TRAFFIC_BYTES = 4_096;

/** Where the process finds the file for its reports: the first descriptor after the standard ones. */
const TRAFFIC_FD = 3;

/** How often a report is written, also if nothing has changed: that it comes shows that the process works. */
const EVERY_MS = 1_000;

/**
 * Writes down what has gone through a proxy, on top of what a process before it has written. The last report is written
 * when the process is told to end (SIGTERM), so that nothing is missing in it.
 */
export function reportTraffic(traffic: () => Traffic): void {
  const before = lastReport();
  let beat = 0;
  const write = (): void => {
    beat += 1;
    writeSync(TRAFFIC_FD, fitting({ ...sumOf(before, traffic()), beat }).padEnd(TRAFFIC_BYTES), 0);
  };
  // The first one says that there is a proxy, even if nothing ever goes through it.
  write();
  setInterval(write, EVERY_MS).unref();
  process.once('SIGTERM', () => {
    write();
    process.exit();
  });
}

function lastReport(): Traffic {
  const bytes = Buffer.alloc(TRAFFIC_BYTES);
  const text = bytes.toString('utf8', 0, readSync(TRAFFIC_FD, bytes, 0, TRAFFIC_BYTES, 0)).trim();
  // SAFETY: only this program writes to the file.
  return text === '' ? NO_TRAFFIC : (JSON.parse(text) as Traffic);
}

/* Characters that JSON escapes can make ten hosts too long. */
function fitting(report: Traffic & { readonly beat: number }): string {
  const text = JSON.stringify(report);
  if (text.length <= TRAFFIC_BYTES) return text;
  return fitting({ ...report, refusedHosts: report.refusedHosts.slice(1) });
}

function sumOf(before: Traffic, now: Traffic): Traffic {
  return {
    sentBytes: before.sentBytes + now.sentBytes,
    receivedBytes: before.receivedBytes + now.receivedBytes,
    refused: before.refused + now.refused,
    refusedHosts: now.refusedHosts.length === 0 ? before.refusedHosts : now.refusedHosts,
  };
}
