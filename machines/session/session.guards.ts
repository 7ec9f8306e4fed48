import { changeRefusal } from './session.changes';
import type { SessionEvent } from './session.events';
import { MAX_LAUNCH_ATTEMPTS, type SessionContext, type TimerKind } from './session.types';

/** What every guard and update is given. */
export interface Args {
  readonly context: SessionContext;
  readonly event: SessionEvent;
}

const isDue =
  (kind: TimerKind) =>
  ({ context, event }: Args): boolean =>
    event.type === 'TIMEOUT' &&
    event.kind === kind &&
    event.deadlineMs === context.deadlines[kind] &&
    event.nowMs >= event.deadlineMs;

const hasAttemptsLeft = ({ context }: Args): boolean => context.launchAttempts < MAX_LAUNCH_ATTEMPTS;

/** Pure predicates, by the names the topology uses. */
export const guards = {
  queueTimeIsLeft: ({ context, event }: Args): boolean => event.nowMs < (context.deadlines.queue ?? 0),
  queueTimeoutIsDue: isDue('queue'),
  launchTimeoutIsDue: isDue('launch'),
  launchTimeoutIsDueAndAttemptsLeft: (args: Args): boolean => isDue('launch')(args) && hasAttemptsLeft(args),
  connectTimeoutIsDue: isDue('connect'),
  idleTimeoutIsDue: isDue('idle'),
  sessionTimeoutIsDue: isDue('session'),
  hasAttemptsLeft,
  changeIsPossible: ({ context, event }: Args): boolean =>
    event.type === 'UPDATE' && changeRefusal(context, event) === null,
  clientClosedBrowser: ({ event }: Args): boolean =>
    event.type === 'BROWSER_GONE' && event.cause === 'client_closed_browser',
};
