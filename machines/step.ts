import { createEmptyActor, type SnapshotFrom } from 'xstate';
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

const nothing = (): void => undefined;
const nobody = createEmptyActor();

type Surroundings = Parameters<typeof sessionMachine.transition>[2];

/*
 * What a step gets as its surroundings. The machine has no actors and no actions but updates of its context, so none of
 * it matters, and one serves all steps. XState's own `transition()` makes one for each call, with an actor
 * that takes the first step of the machine again, in vain: that was a third of what a step cost.
 */
const SURROUNDINGS: Surroundings = {
  // SAFETY: only actions and children ask who they belong to, and there are none.
  self: nobody as unknown as Surroundings['self'],
  system: nobody.system,
  id: '',
  sessionId: '',
  logger: nothing,
  defer: nothing,
  emit: nothing,
  stopChild: nothing,
  actionExecutor: nothing,
};

/* The only callers of XState's pure functions. No actor is ever started, no stored snapshot reaches `createActor`:
   an unknown state there would kill the process from a timer. */

/** The first step: the creation of a session. */
export function firstStep(input: SessionInput): StepResult {
  const after = stored(sessionMachine.getInitialSnapshot(SURROUNDINGS, input));
  return { snapshot: after, effects: effectsBetween(null, after), accepted: true };
}

/**
 * Offers an event to a session. Pure: same snapshot and event, same result.
 *
 * @throws if the stored state is unknown to this version of the machine.
 */
export function step(before: SessionSnapshot, event: MachineEvent): StepResult {
  const resolved = sessionMachine.resolveState({ value: before.value, context: before.context });
  const next = sessionMachine.transition(resolved, event, SURROUNDINGS);
  // An event that is not handled returns the very same snapshot object.
  if (next === resolved) return { snapshot: before, effects: [], accepted: false };
  const after = stored(next);
  return { snapshot: after, effects: effectsBetween(before, after), accepted: true };
}

/** Drops XState's own bookkeeping: the row stores value and context, nothing else. */
function stored({ value, context }: SnapshotFrom<typeof sessionMachine>): SessionSnapshot {
  return { value, context };
}
