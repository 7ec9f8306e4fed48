import { changeRefusal } from './session.changes';
import { dueAtMs } from './session.deadlines';
import type { MachineEvent } from './session.events';
import { MAX_LAUNCH_ATTEMPTS, type SessionContext } from './session.types';
import type { TimerKind } from './session.words';

/** What every guard and update is given. */
export interface Args {
  readonly context: SessionContext;
  readonly event: MachineEvent;
}

/** Pure predicates, by the names the topology uses. */
export const guards = {
  /** The event names this deadline as the row holds it, and it has passed (I8). */
  isDue: ({ context, event }: Args, { kind }: { readonly kind: TimerKind }): boolean => {
    if (event.type !== 'TIMEOUT' || event.kind !== kind) return false;
    const dueMs = dueAtMs(context, kind, event.activity);
    return event.deadlineMs === context.deadlines[kind] && dueMs !== null && event.nowMs >= dueMs;
  },
  queueTimeIsLeft: ({ context, event }: Args): boolean => event.nowMs < (context.deadlines.queue ?? 0),
  hasAttemptsLeft: ({ context }: Args): boolean => context.launchAttempts < MAX_LAUNCH_ATTEMPTS,
  changeIsPossible: ({ context, event }: Args): boolean =>
    event.type === 'UPDATE' && changeRefusal(context, event) === null,
  clientClosedBrowser: ({ event }: Args): boolean =>
    event.type === 'BROWSER_GONE' && event.cause === 'client_closed_browser',
};
