import type { SessionSnapshot } from '../../machines/session/session.types';
import {
  isEnded,
  type EndReason,
  type SessionStatus,
  hasBrowser,
} from '../../machines/session/session.words';
import { statusOf } from '../../machines/session/session.view';
import { HoldfastError, type ErrorCode } from '../core/errors';
import type { SessionRecord } from '../store/session-record';

/** What is thrown at whoever wants something of a session that has ended: `session_ended`, with how it ended. */
export function sessionEnded(snapshot: SessionSnapshot): HoldfastError {
  return ended(endOf(snapshot));
}

/** The same by status and reason, for those who have not read the row. */
export function endedAs(status: SessionStatus, endReason: string | null): HoldfastError {
  return ended({ sessionStatus: status, endReason });
}

function ended(details: Pick<End, 'sessionStatus' | 'endReason'>): HoldfastError {
  const { sessionStatus, endReason } = details;
  const message = `The session has ended: ${sessionStatus}, ${endReason ?? 'unknown'}.`;
  return new HoldfastError('session_ended', message, { details: { ...details } });
}

/** @throws HoldfastError `session_not_live` before a session is live, `session_ended` with how it ended after that. */
export function requireLive({ snapshot }: SessionRecord): void {
  const status = statusOf(snapshot);
  if (hasBrowser(status)) return;
  if (isEnded(status)) throw sessionEnded(snapshot);
  throw new HoldfastError('session_not_live', 'The session is not live yet.');
}

/* A session that failed has failed the create with it; that it was released, or its time is up, was somebody's wish. */
const CODES = {
  released_by_client: 'session_ended',
  released_by_bulk: 'session_ended',
  client_closed_browser: 'session_ended',
  client_disconnected: 'session_ended',
  drained: 'session_ended',
  session_timeout: 'session_ended',
  idle_timeout: 'session_ended',
  connect_timeout: 'session_ended',
  queue_timeout: 'queue_timeout',
  launch_failed: 'launch_failed',
  browser_crashed: 'browser_crashed',
  browser_unresponsive: 'browser_unresponsive',
  worker_lost: 'worker_lost',
} as const satisfies Record<EndReason, ErrorCode>;

/** Every code that a create can be answered with whose session has ended. */
export const CREATE_ENDED_CODES: readonly ErrorCode[] = [...new Set(Object.values(CODES))];

/**
 * What a create is answered whose session has ended: a code after its end reason, and which session it was.
 *
 * @param isNamed - whether the request says which session it means, by id or Idempotency-Key: a repeat gets this answer again
 */
export function createEnded(snapshot: SessionSnapshot, isNamed: boolean): HoldfastError {
  const { liveAtMs, error } = snapshot.context;
  const details = endOf(snapshot);
  const { sessionId, sessionStatus, endReason } = details;
  const when = liveAtMs === null ? 'has ended before it was live' : 'has ended';
  const how = `${sessionStatus}, ${endReason ?? 'unknown'}${error === null ? '' : `: ${error.message}`}`;
  return new HoldfastError(codeOf(endReason), `The session ${sessionId} ${when} (${how}).`, {
    details: { ...details },
    ...(isNamed ? { retryable: false } : {}),
  });
}

/* A newer version may have ended it for a reason that this one has no code for. */
function codeOf(endReason: string | null): ErrorCode {
  const codes: Readonly<Record<string, ErrorCode | undefined>> = CODES;
  return codes[endReason ?? ''] ?? 'session_ended';
}

/* The members of a problem about a session that has ended. */
interface End {
  readonly sessionId: string;
  readonly sessionStatus: SessionStatus;
  readonly endReason: string | null;
}

function endOf(snapshot: SessionSnapshot): End {
  const { id, endReason } = snapshot.context;
  return { sessionId: id, sessionStatus: statusOf(snapshot), endReason };
}
