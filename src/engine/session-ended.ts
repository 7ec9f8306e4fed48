import type { SessionSnapshot, SessionStatus } from '../../machines/session/session.types';
import { isEnded, statusOf } from '../../machines/session/session.view';
import { HoldfastError } from '../core/errors';
import type { SessionRecord } from '../store/session-store';

/** What is thrown at whoever wants something of a session that has ended: `session_ended`, with how it ended. */
export function sessionEnded(snapshot: SessionSnapshot): HoldfastError {
  return endedAs(statusOf(snapshot), snapshot.context.endReason);
}

/** The same by status and reason, for those who have not read the row. */
export function endedAs(status: SessionStatus, endReason: string | null): HoldfastError {
  return new HoldfastError('session_ended', `The session has ended: ${status}, ${endReason ?? 'unknown'}.`, {
    details: { sessionStatus: status, endReason },
  });
}

/** @throws HoldfastError `session_not_live` before a session is live, `session_ended` with how it ended after that. */
export function requireLive({ snapshot }: SessionRecord): void {
  const status = statusOf(snapshot);
  if (status === 'live') return;
  if (isEnded(status)) throw sessionEnded(snapshot);
  throw new HoldfastError('session_not_live', 'The session is not live yet.');
}
