import type { SessionEffect } from '../../machines/session/session.effects';

/* Which deadlines have a delayed job: those that are due soon (docs/adr/0086-jobs-for-what-is-due-soon.md). */

/** So long before a deadline a sweep adds its job. */
export const ARMED_AHEAD_MS = 10_000;

/**
 * A deadline that is nearer than this gets its job with the commit, as the sweep may have passed it. The difference is
 * what a process may take from its reading of the clock to its commit.
 */
const ARMED_AT_ONCE_MS = ARMED_AHEAD_MS + 5_000;

/** Whether a deadline may have a job: it is `inMs` away. */
export const isSoon = (inMs: number): boolean => inMs <= ARMED_AT_ONCE_MS;

/**
 * The effects of a step that there is something to do about: for a time-out that is not due soon there is no job yet.
 *
 * @param nowMs - Redis `TIME` of the step
 */
export function effectsToCarryOut(
  effects: readonly SessionEffect[],
  nowMs: number,
): readonly SessionEffect[] {
  return effects.filter(effect => !('deadlineMs' in effect) || isSoon(effect.deadlineMs - nowMs));
}
