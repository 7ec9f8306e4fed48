import { isQueued } from './session.view';
import type { SessionContext, SessionSnapshot } from './session.types';
import { TIMER_KINDS, type TimerKind } from './session.words';

/**
 * What the caller of the machine must do after a commit, as data. Each is enqueued at least once; all of them tolerate
 * a second run: jobs carry what they were armed for and the row decides whether that still counts.
 */
export type SessionEffect =
  | { readonly kind: 'launch.enqueue'; readonly attempt: number }
  | { readonly kind: 'launch.cancel'; readonly attempt: number }
  | { readonly kind: 'timer.arm'; readonly timer: TimerKind; readonly deadlineMs: number }
  | { readonly kind: 'timer.cancel'; readonly timer: TimerKind; readonly deadlineMs: number };

/** Every kind of effect. */
export const EFFECT_KINDS: readonly string[] = [
  'launch.enqueue',
  'launch.cancel',
  'timer.arm',
  'timer.cancel',
] satisfies SessionEffect['kind'][];

/** The launch that a queued session waits for: attempts are counted at the claim, so the next one is + 1. */
export const nextAttempt = (context: SessionContext): number => context.launchAttempts + 1;

/**
 * The effects of a step, read off the difference between two snapshots: every deadline that appears is armed, every one
 * that goes is cancelled, a session that enters the queue gets a launch job, one that ends there loses it. Deriving
 * them means that no path through the machine can forget one.
 */
export function effectsBetween(before: SessionSnapshot | null, after: SessionSnapshot): SessionEffect[] {
  const effects: SessionEffect[] = [];
  const wasQueued = before !== null && isQueued(before);
  if (isQueued(after) && !wasQueued) {
    effects.push({ kind: 'launch.enqueue', attempt: nextAttempt(after.context) });
  }
  if (wasQueued && after.context.endReason !== null) {
    effects.push({ kind: 'launch.cancel', attempt: nextAttempt(before.context) });
  }
  for (const timer of TIMER_KINDS) {
    const was = before?.context.deadlines[timer];
    const is = after.context.deadlines[timer];
    if (was === is) continue;
    if (was !== undefined) effects.push({ kind: 'timer.cancel', timer, deadlineMs: was });
    if (is !== undefined) effects.push({ kind: 'timer.arm', timer, deadlineMs: is });
  }
  return effects;
}
