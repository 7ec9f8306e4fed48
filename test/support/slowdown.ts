import { readFileSync } from 'node:fs';

interface Share {
  readonly runMs: number;
  readonly waitedMs: number;
}

/** Time of the main thread on a processor, and its time waiting for one; none where the kernel does not report it. */
function share(): Share {
  try {
    const [run = 0, waited = 0] = readFileSync('/proc/self/schedstat', 'utf8').split(' ').map(Number);
    return { runMs: run / 1e6, waitedMs: waited / 1e6 };
  } catch {
    return { runMs: 0, waitedMs: 0 };
  }
}

/**
 * Begins to measure how much longer work takes because other processes use the processors. A bound that is promised for
 * a machine with room is multiplied by the result. On such a machine the bound stays as strict as promised.
 *
 * @returns the factor since then, at least 1.
 */
export function watchSlowdown(): () => number {
  const before = share();
  return () => {
    const now = share();
    const runMs = now.runMs - before.runMs;
    return runMs <= 0 ? 1 : 1 + (now.waitedMs - before.waitedMs) / runMs;
  };
}

let sinceTestBegan = watchSlowdown();

/** Begins to measure for {@link scaled}; called before each test. */
export function restartSlowdown(): void {
  sinceTestBegan = watchSlowdown();
}

/**
 * A time that the service promises on a machine with room, for the machine as it was during this test.
 *
 * @param promisedMs - milliseconds
 */
export const scaled = (promisedMs: number): number => promisedMs * sinceTestBegan();
