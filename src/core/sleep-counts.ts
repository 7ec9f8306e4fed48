/** A wake by a client. */
export interface Wake {
  /** Rises by one. */
  readonly n: number;
  /** From its first byte to the first one from the browser. */
  readonly tookMs: number;
}

/** How browsers sleep, since the keeper's start. */
export interface SleepCounts {
  /** How many sleep now. */
  readonly asleep: number;
  readonly sleeps: number;
  readonly wakes: number;
  /** How often what was overdue has run in a browser that sleeps. Left out by older keepers. */
  readonly breaths?: number;
  /** The latest wakes by clients, the newest last. */
  readonly latest: readonly Wake[];
}

/** Of a keeper that lets none sleep. */
export const NO_SLEEP: SleepCounts = { asleep: 0, sleeps: 0, wakes: 0, breaths: 0, latest: [] };
