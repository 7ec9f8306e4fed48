import { pause } from '../../../src/core/abort';
import { fetchDevToolsPath } from './devtools';
import { untilForkRefused } from '../limits/watch-forks';
import { reportForkRefused } from './gone-report';
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
 * browser is no longer running or `signal` is aborted. The null browser has no port and is never asked, and one that
 * sleeps is not asked until it is awake.
 */
export async function watchLiveness(
  browser: KeptBrowser,
  { everyMs, patienceMs, misses }: LivenessRhythm,
  signal: AbortSignal,
  isAsleep: () => boolean,
): Promise<void> {
  let missed = 0;
  for (;;) {
    await pause(everyMs, signal);
    const address = browser.probeAddress;
    if (signal.aborted || address === null) return;
    const isSilent = !isAsleep() && (await fetchDevToolsPath(address, patienceMs)) === null;
    // It may have fallen asleep before it answered.
    missed = isSilent && !isAsleep() ? missed + 1 : 0;
    if (missed >= misses) {
      const message = `the browser did not answer ${misses} times in a row, ${patienceMs} ms each`;
      await browser.giveUp({ cause: 'browser_unresponsive', message });
      return;
    }
  }
}

/**
 * Gives a browser up that was refused a process or thread: Chromium loses its zygote then, opens no tab any more and
 * answers nobody who asks for one, while what has used them up goes on (ADR 72). Returns as {@link watchLiveness}.
 */
export async function watchForks(browser: KeptBrowser, signal: AbortSignal): Promise<void> {
  const cgroups = browser.facts?.cgroups ?? [];
  const isRefused = await untilForkRefused(cgroups, AbortSignal.any([browser.over, signal]));
  if (isRefused) await browser.giveUp(reportForkRefused());
}
