import { SESSION_EVENT_TYPES } from '../../machines/session/session.events';

/* The closed sets of values for the labels of metrics. */

/** Events of the machine by their names in histories, and the creation, which is not one of its events. */
export const SESSION_EVENTS = ['created', ...SESSION_EVENT_TYPES.map(type => type.toLowerCase())];

export { QUARANTINE_REASONS } from '../core/quarantine';

export { WARM_END_CAUSES } from '../core/warm-end-causes';

/** How long a start may take, in seconds; finest around the objective of 5 s. */
export const START_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60];

/**
 * What finds that a deadline has passed: the two layers of timers, each of which is enough to end a session, and a
 * claim that comes late.
 */
export const TIMER_LAYERS = ['job', 'sweep', 'claim'] as const;

/** @see TIMER_LAYERS */
export type TimerLayer = (typeof TIMER_LAYERS)[number];

/** The sweeps, by what they repair; `quarantine` puts bad jobs aside. The values are public. */
export const SWEEPS = [
  'overdue',
  'effects',
  'queued',
  'quarantine',
  'reaper',
  'retention',
  'clock',
  'blobs',
] as const;

/** @see SWEEPS */
export type SweepName = (typeof SWEEPS)[number];

/** What became of a saved state of a context: a version, current or beside the current one, or none. */
export const SAVE_RESULTS = [
  'current',
  'kept_aside',
  'context_deleted',
  'quota_exceeded',
  'too_large',
  'profile_lost',
  'storage_failed',
] as const;

/** @see SAVE_RESULTS */
export type SaveResult = (typeof SAVE_RESULTS)[number];

/** Why an API key was refused: it was wrong, or its address had sent too many wrong ones. */
export const KEY_REFUSALS = ['wrong', 'unchecked'] as const;

/** @see KEY_REFUSALS */
export type KeyRefusal = (typeof KEY_REFUSALS)[number];

/** How a launch went. */
export const LAUNCH_RESULTS = ['ready', 'failed', 'cancelled'] as const;

/** @see LAUNCH_RESULTS */
export type LaunchResult = (typeof LAUNCH_RESULTS)[number];

/** Whether a session's browser was started for it, or ahead. */
export const LAUNCH_STARTS = ['warm', 'cold'] as const;
