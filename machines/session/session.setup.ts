import { setup } from 'xstate';
import type { MachineEvent } from './session.events';
import { guards } from './session.guards';
import type { SessionContext, SessionInput } from './session.types';
import { updates } from './session.updates';

/** The typed base the topology is written on: a wrong event, guard or update name does not compile. */
export const base = setup({
  types: {
    // SAFETY: XState reads these only as types; the values are never used.
    context: {} as SessionContext,
    events: {} as MachineEvent,
    input: {} as SessionInput,
  },
  guards,
  actions: updates,
});

/**
 * What a topology may say. `createMachine` infers the type of what it is given and lets every key pass; written as
 * `satisfies Topology`, a misspelt event is refused.
 */
export type Topology = Parameters<typeof base.createMachine>[0];
