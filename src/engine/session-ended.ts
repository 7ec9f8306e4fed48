import type { SessionSnapshot } from '../../machines/session/session.types';
import {
  isEnded,
  type EndReason,
  type SessionStatus,
  hasBrowser,
} from '../../machines/session/session.words';
import { statusOf } from '../../machines/session/session.view';
import { ServiceError, type ErrorCode } from '../core/errors';
import type { SessionRecord } from '../store/session-record';

/** The error for a request on a session that has ended: `session_ended`, with how it ended. */
export function sessionEnded(snapshot: SessionSnapshot): ServiceError {
  return ended(endOf(snapshot));
}

/** The same from status and reason, for callers that have not read the row. */
export function endedAs(status: SessionStatus, endReason: string | null): ServiceError {
  return ended({ sessionStatus: status, endReason });
}

function ended(details: Pick<End, 'sessionStatus' | 'endReason'>): ServiceError {
  const { sessionStatus, endReason } = details;
  const message = `The session has ended: ${sessionStatus}, ${endReason ?? 'unknown'}.`;
  return new ServiceError('session_ended', message, { details: { ...details } });
}

/** @throws ServiceError `session_not_live` before a session is live, `session_ended` with how it ended after that. */
export function requireLive({ snapshot }: SessionRecord): void {
  const status = statusOf(snapshot);
  if (hasBrowser(status)) return;
  if (isEnded(status)) throw sessionEnded(snapshot);
  throw new ServiceError('session_not_live', 'The session is not live yet.');
}

/* If the session failed, the create failed too. A release or a time-out was requested. */
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
  context_failed: 'context_failed',
  browser_crashed: 'browser_crashed',
  browser_unresponsive: 'browser_unresponsive',
  resource_limit: 'resource_limit',
  worker_lost: 'worker_lost',
} as const satisfies Record<EndReason, ErrorCode>;

/** Every code that can answer a create whose session has ended. */
export const CREATE_ENDED_CODES: readonly ErrorCode[] = [...new Set(Object.values(CODES))];

/**
 * The answer to a create whose session has ended: a code for its end reason, and the session's id.
 *
 * @param isNamed - whether the request names its session, by id or Idempotency-Key: a repeat then gets this answer
 *   again
 */
export function createEnded(snapshot: SessionSnapshot, isNamed: boolean): ServiceError {
  const { liveAtMs, error } = snapshot.context;
  const details = endOf(snapshot);
  const { sessionId, sessionStatus, endReason } = details;
  const when = liveAtMs === null ? 'ended before it was live' : 'has ended';
  const how = `${sessionStatus}, ${endReason ?? 'unknown'}${error === null ? '' : `: ${error.message}`}`;
  return new ServiceError(codeOf(endReason), `The session ${sessionId} ${when} (${how}).`, {
    details: { ...details },
    ...(isNamed ? { retryable: false } : {}),
  });
}

/* A newer version may have ended the session for a reason that has no code in this version. */
function codeOf(endReason: string | null): ErrorCode {
  const codes: Readonly<Record<string, ErrorCode | undefined>> = CODES;
  return codes[endReason ?? ''] ?? 'session_ended';
}

/* Members of the problem body about a session that has ended. */
interface End {
  readonly sessionId: string;
  readonly sessionStatus: SessionStatus;
  readonly endReason: string | null;
}

function endOf(snapshot: SessionSnapshot): End {
  const { id, endReason } = snapshot.context;
  return { sessionId: id, sessionStatus: statusOf(snapshot), endReason };
}
