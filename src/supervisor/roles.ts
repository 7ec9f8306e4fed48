/**
 * What a supervisor runs: `worker` is keeper and worker, `start` adds the API, and an embedded Redis unless a URL is
 * set.
 */
export type Mode = 'start' | 'worker' | 'api';

/** The processes below a supervisor. */
export type Role = 'redis' | 'keeper' | 'worker' | 'api';

/** The processes that are Node programs of Holdfast. */
export type NodeRole = Exclude<Role, 'redis'>;

/** How long a process may be silent before it is killed and restarted. */
export interface Patience {
  /** From its start to its first sign of life: loading takes seconds on a busy machine. */
  readonly startMs: number;
  /** From one sign of life to the next. */
  readonly silentMs: number;
}

/**
 * Worker and keeper also watch each other, with 3 s: they act first, the supervisor only if one of them is missing.
 * Replacing an API cuts the sockets of its clients; replacing a Redis refuses every call until it has loaded its file.
 */
export const PATIENCE: Readonly<Record<Role, Patience>> = {
  keeper: { startMs: 60_000, silentMs: 5_000 },
  worker: { startMs: 60_000, silentMs: 5_000 },
  api: { startMs: 60_000, silentMs: 10_000 },
  redis: { startMs: 60_000, silentMs: 30_000 },
};

/** How long a process may take to end, milliseconds. */
export interface StopLimit {
  /** Counted from the start of the drain: SIGKILL then, so that the drain ends within 10 s. */
  readonly untilMs: number;
  /** Counted from the user's second signal. */
  readonly hurriedMs: number;
}

/**
 * The order of a drain and its limits. The worker releases its sessions, which needs the keeper to end the browsers and
 * the API to answer the clients; all of them need Redis. Even in a hurry the keeper gets time to end the browsers.
 */
export const DRAIN_ORDER: readonly (readonly [Role, StopLimit])[] = [
  ['worker', { untilMs: 4_500, hurriedMs: 0 }],
  ['keeper', { untilMs: 8_200, hurriedMs: 2_000 }],
  ['api', { untilMs: 9_000, hurriedMs: 0 }],
  ['redis', { untilMs: 9_700, hurriedMs: 1_000 }],
];
