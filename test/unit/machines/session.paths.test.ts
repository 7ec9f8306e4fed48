import { adjacencyMapToArray, getAdjacencyMap, getShortestPaths, type TraversalOptions } from 'xstate/graph';
import type { SnapshotFrom } from 'xstate';
import { NO_ACTIVITY } from '../../../machines/session/session.deadlines';
import { SESSION_EVENT_TYPES, type MachineEvent } from '../../../machines/session/session.events';
import { sessionMachine } from '../../../machines/session/session.machine';
import type { SessionContext, SessionInput } from '../../../machines/session/session.types';
import { SESSION_VALUES, TIMER_KINDS } from '../../../machines/session/session.words';
import { firstStep, step } from '../../../machines/step';
import { EVENTS, INPUT } from '../../support/session-samples';

type MachineSnapshot = SnapshotFrom<typeof sessionMachine>;

/** One event of each type, and every deadline of the context at the moment it passes. */
function eventsIn(context: SessionContext): MachineEvent[] {
  const timeouts = TIMER_KINDS.flatMap((kind): MachineEvent[] => {
    const deadlineMs = context.deadlines[kind];
    if (deadlineMs === undefined) return [];
    return [{ type: 'TIMEOUT', kind, deadlineMs, nowMs: deadlineMs, activity: NO_ACTIVITY }];
  });
  return [
    ...SESSION_EVENT_TYPES.filter(type => type !== 'TIMEOUT').map(type => EVENTS[type]),
    { ...EVENTS.BROWSER_GONE, cause: 'client_closed_browser' },
    ...timeouts,
  ];
}

/* Adoptions could repeat without an end: two are enough. */
const options: TraversalOptions<MachineSnapshot, MachineEvent, SessionInput> = {
  input: INPUT,
  events: ({ context }) => eventsIn(context),
  filterEvents: ({ context }, event) => event.type !== 'ADOPT' || context.fenceN < 3,
  serializeState: ({ value, context }) => JSON.stringify([value, context]),
};

const isFinal = ({ status }: MachineSnapshot): boolean => status === 'done';

describe('the paths of the session machine', () => {
  it('reach every state, and none that is not on the list', () => {
    const reached = new Set(
      getShortestPaths(sessionMachine, options).map(({ state }) => JSON.stringify(state.value)),
    );
    expect([...reached].sort()).toEqual(SESSION_VALUES.map(value => JSON.stringify(value)).sort());
  });

  it('lead from every state to every kind of end that is left to it', () => {
    for (const { state } of getShortestPaths(sessionMachine, options).filter(path => !isFinal(path.state))) {
      const ends = getShortestPaths(sessionMachine, { ...options, fromState: state, toState: isFinal });
      expect(new Set(ends.map(end => end.state.value))).toEqual(new Set(['released', 'failed', 'timed_out']));
    }
  });

  it('stop at the final states', () => {
    const ends = getShortestPaths(sessionMachine, { ...options, toState: isFinal });
    expect(ends.length).toBeGreaterThan(0);
    for (const { state } of ends) {
      for (const event of SESSION_EVENT_TYPES.map(type => EVENTS[type])) {
        expect(step(state, event)).toEqual({ snapshot: state, effects: [], accepted: false });
      }
    }
  });

  it('give the same session when `step()` walks them', () => {
    // A path is a chain of transitions: if it begins with the same session and each of them is the same, so is the
    // path.
    const all = adjacencyMapToArray(getAdjacencyMap(sessionMachine, options));
    expect(all.length).toBeGreaterThan(500);
    expect(all.map(({ state: { value, context } }) => ({ value, context }))).toContainEqual(
      firstStep(INPUT).snapshot,
    );
    for (const { state, event, nextState } of all) {
      const { snapshot } = step({ value: state.value, context: state.context }, event);
      expect(snapshot).toEqual({ value: nextState.value, context: nextState.context });
    }
  });
});
