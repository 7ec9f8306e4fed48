import { pause } from '../../../src/core/abort';
import { fetchDevToolsPath } from './devtools';
import type { KeptBrowser } from './kept-browser';

/** Interval and time-out of the liveness probe, and how many failures in a row count as hung. */
export interface LivenessRhythm {
  readonly everyMs: number;
  readonly patienceMs: number;
  readonly misses: number;
}

/** Between half a minute and a minute of silence: a busy browser answers within that, a hung one never. */
export const LIVENESS: LivenessRhythm = { everyMs: 10_000, patienceMs: 10_000, misses: 3 };

/**
 * Asks a running browser for its version at intervals, and gives it up after some misses in a row. Returns when the
 * browser is no longer running or `signal` is aborted. The null browser has no port and is never asked.
 */
export async function watchLiveness(
  browser: KeptBrowser,
  { everyMs, patienceMs, misses }: LivenessRhythm,
  signal: AbortSignal,
): Promise<void> {
  let missed = 0;
  for (;;) {
    await pause(everyMs, signal);
    const port = browser.probePort;
    if (signal.aborted || port === null) return;
    missed = (await fetchDevToolsPath(port, patienceMs)) === null ? missed + 1 : 0;
    if (missed >= misses) {
      await browser.giveUp(`the browser did not answer ${misses} times in a row, ${patienceMs} ms each`);
      return;
    }
  }
}
