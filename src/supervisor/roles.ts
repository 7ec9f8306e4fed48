/**
 * What a supervisor can be asked to run: `worker` is keeper and worker, `start` adds the API, and a Redis of its own unless
 * it is given one.
 */
export type Mode = 'start' | 'worker' | 'api';

/** The processes below a supervisor. */
export type Role = 'redis' | 'keeper' | 'worker' | 'api';

/** The processes that are programs of ours. */
export type NodeRole = Exclude<Role, 'redis'>;

/** How long a process may be silent before it is killed and started again. */
export interface Patience {
  /** From its start to its first sign of life: loading takes seconds on a busy machine. */
  readonly startMs: number;
  /** From one sign of life to the next. */
  readonly silentMs: number;
}

/**
 * Worker and keeper watch each other as well, with 3 s: they come first, the supervisor when one of them is not there. To
 * replace an API cuts the sockets of its clients, to replace a Redis refuses every call until it has read its file.
 */
export const PATIENCE: Readonly<Record<Role, Patience>> = {
  keeper: { startMs: 60_000, silentMs: 5_000 },
  worker: { startMs: 60_000, silentMs: 5_000 },
  api: { startMs: 60_000, silentMs: 10_000 },
  redis: { startMs: 60_000, silentMs: 30_000 },
};

/** How long a process may take to end, milliseconds. */
export interface StopLimit {
  /** Counted from the start of the drain: SIGKILL then, so that all is over within 10 s. */
  readonly untilMs: number;
  /** Counted from the second signal of an impatient user. */
  readonly hurriedMs: number;
}

/**
 * The order of a drain and its limits. The worker releases its sessions, which needs the keeper to end the browsers and
 * the API to tell the callers; everybody needs Redis. Even in a hurry the keeper gets time to end the browsers.
 */
export const DRAIN_ORDER: readonly (readonly [Role, StopLimit])[] = [
  ['worker', { untilMs: 4_500, hurriedMs: 0 }],
  ['keeper', { untilMs: 8_200, hurriedMs: 2_000 }],
  ['api', { untilMs: 9_000, hurriedMs: 0 }],
  ['redis', { untilMs: 9_700, hurriedMs: 1_000 }],
];
