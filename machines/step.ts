import { initialTransition, transition, type SnapshotFrom } from 'xstate';
import { effectsBetween, type SessionEffect } from './session/session.effects';
import type { MachineEvent } from './session/session.events';
import { sessionMachine } from './session/session.machine';
import type { SessionInput, SessionSnapshot } from './session/session.types';

/** The outcome of offering one event to a session. */
export interface StepResult {
  readonly snapshot: SessionSnapshot;
  readonly effects: readonly SessionEffect[];
  /** False when the state does not accept the event: there is nothing to commit. */
  readonly accepted: boolean;
}

/* The only callers of XState's pure functions. No actor is ever started, no stored snapshot reaches `createActor`:
   an unknown state there would kill the process from a timer. */

/** The first step: the creation of a session. */
export function firstStep(input: SessionInput): StepResult {
  const [snapshot] = initialTransition(sessionMachine, input);
  const after = stored(snapshot);
  return { snapshot: after, effects: effectsBetween(null, after), accepted: true };
}

/**
 * Offers an event to a session. Pure: same snapshot and event, same result.
 *
 * @throws if the stored state is unknown to this version of the machine.
 */
export function step(before: SessionSnapshot, event: MachineEvent): StepResult {
  const resolved = sessionMachine.resolveState({ value: before.value, context: before.context });
  const [next] = transition(sessionMachine, resolved, event);
  // An event that is not handled returns the very same snapshot object.
  if (next === resolved) return { snapshot: before, effects: [], accepted: false };
  const after = stored(next);
  return { snapshot: after, effects: effectsBetween(before, after), accepted: true };
}

/** Drops XState's own bookkeeping: the row stores value and context, nothing else. */
function stored({ value, context }: SnapshotFrom<typeof sessionMachine>): SessionSnapshot {
  return { value, context };
}
