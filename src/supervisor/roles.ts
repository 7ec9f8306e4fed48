/** What a supervisor can be asked to run. */
export type Mode = 'start' | 'worker' | 'api';

/** The processes below a supervisor. */
export type Role = 'redis' | 'keeper' | 'worker' | 'api';

/** The processes that are programs of ours. */
export type NodeRole = Exclude<Role, 'redis'>;

/** Which of our programs a mode runs. `start` adds a Redis of its own unless it is given one. */
export const ROLES_OF_MODE: Readonly<Record<Mode, readonly NodeRole[]>> = {
  start: ['keeper', 'worker', 'api'],
  worker: ['keeper', 'worker'],
  api: ['api'],
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
