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
