import { assign, setup } from 'xstate';
import type { SessionEvent } from './session.events';
import { guards, type Args } from './session.guards';
import type { SessionContext, SessionInput } from './session.types';
import { updates } from './session.updates';

type UpdateName = keyof typeof updates;

/* Each update is a plain function, so that it can be read and tested without XState; this wraps them all. */
// SAFETY: the entries are exactly those of `updates`; Object.fromEntries forgets the key union.
const actions = Object.fromEntries(
  Object.entries(updates).map(([name, update]) => [
    name,
    assign<SessionContext, SessionEvent, undefined, SessionEvent, never>((args: Args) => update(args)),
  ]),
) as Record<
  UpdateName,
  ReturnType<typeof assign<SessionContext, SessionEvent, undefined, SessionEvent, never>>
>;

/** The typed base the topology is written on: a wrong event, guard or update name does not compile. */
export const base = setup({
  types: {
    // SAFETY: XState reads these only as types; the values are never used.
    context: {} as SessionContext,
    events: {} as SessionEvent,
    input: {} as SessionInput,
  },
  guards,
  actions,
});
