import type { Session } from '../../client/session';

/** Timings of a service, computed from its sessions. Null: there were no such sessions. */
export interface Timings {
  /** From accepted to live. */
  readonly startP95Seconds: number | null;
  /** From the deadline of a session to its end, of those that ended with `session_timeout`. */
  readonly timeoutLatenessP99Seconds: number | null;
}

/**
 * Timings of these sessions. Computed from the sessions and not from metrics: most starts and time-outs are committed
 * by workers, whose metrics the command line cannot reach.
 */
export function timingsOf(started: readonly Session[], timedOut: readonly Session[]): Timings {
  const starts = started.map(({ createdAt, liveAt }) => secondsBetween(createdAt, liveAt));
  const late = timedOut
    .filter(({ endReason }) => endReason === 'session_timeout')
    .map(({ expiresAt, endedAt }) => secondsBetween(expiresAt, endedAt));
  return { startP95Seconds: quantile(starts, 0.95), timeoutLatenessP99Seconds: quantile(late, 0.99) };
}

function secondsBetween(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.max(0, Date.parse(to) - Date.parse(from)) / 1_000;
}

/* The smallest value that at least the part `q` of all does not exceed. */
function quantile(values: readonly (number | null)[], q: number): number | null {
  const known = values.filter(value => value !== null).sort((a, b) => a - b);
  return known[Math.max(0, Math.ceil(q * known.length) - 1)] ?? null;
}
