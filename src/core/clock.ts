/**
 * The clocks of a process. Session time is Redis `TIME` and never comes from here; this is for local waiting,
 * log lines and metrics.
 */
export interface Clock {
  /** Wall clock, epoch milliseconds. */
  nowMs(): number;
  /** Monotonic milliseconds from an arbitrary start; does not jump when the wall clock is set. */
  monotonicMs(): number;
}

/** The machine's clocks; nothing else of the service calls `Date.now`. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
