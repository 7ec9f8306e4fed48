import { openScope, pause } from './cancellation';
import { HoldfastError, SessionEndedError, type ErrorCode } from './errors';
import {
  idOf,
  isEnded,
  type CreatedSession,
  type EndedSession,
  type EndedSessionData,
  type LiveSession,
  type Session,
  type SessionOrId,
  type SessionStatus,
} from './session';
import type { RequestOptions } from './transport';

/** The target of a wait: a status, or any end. */
export type WaitTarget = SessionStatus | 'ended';

/** A session that has reached the target. */
export type SessionAt<Target extends WaitTarget> = Target extends 'created'
  ? CreatedSession
  : Target extends 'live'
    ? LiveSession
    : EndedSession;

/** Options of a wait. */
export interface WaitOptions {
  /** Default: no limit. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads a session; null if it still has `revision` after `waitSeconds`. Without a revision it answers at once. */
export type ReadChange = (
  id: string,
  known: { readonly revision: number; readonly waitSeconds: number } | null,
  request: RequestOptions,
) => Promise<Session | null>;

/** How long one request waits at the service; many proxies cut requests after a minute. */
const POLL_SECONDS = 30;

/** How long the service may take to answer after the wait, milliseconds. */
const POLL_MARGIN_MS = 15_000;

/** A service that is shutting down answers before the wait is over; this pause prevents a busy loop. */
const EARLY_ANSWER_PAUSE_MS = 500;

/** Waits until a session has another revision than the known one; reads it at once if none is known. */
export async function nextChange(
  read: ReadChange,
  id: string,
  known: Session | null,
  signal: AbortSignal | undefined,
): Promise<Session> {
  if (known === null) return (await read(id, null, { signal })) ?? unanswerable(id);
  const request = { signal, timeoutMs: POLL_SECONDS * 1_000 + POLL_MARGIN_MS };
  for (;;) {
    const changed = await read(id, { revision: known.revision, waitSeconds: POLL_SECONDS }, request);
    if (changed !== null) return changed;
    await pause(EARLY_ANSWER_PAUSE_MS, signal);
  }
}

/**
 * Waits until a session has reached the target.
 *
 * @throws SessionEndedError if it ends otherwise; HoldfastError `wait_timeout`.
 */
export async function waitForTarget<Target extends WaitTarget>(
  read: ReadChange,
  session: SessionOrId,
  target: Target,
  { timeoutMs, signal }: WaitOptions,
): Promise<SessionAt<Target>> {
  const id = idOf(session);
  const scope = openScope(timeoutMs, signal);
  try {
    let seen = await nextChange(read, id, null, scope.signal);
    while (!isReached(seen, target)) {
      if (isEnded(seen)) throw endedError(seen, `it did not become ${target}`);
      seen = await nextChange(read, id, seen, scope.signal);
    }
    // SAFETY: it has the status that was waited for.
    return seen as SessionAt<Target>;
  } catch (error) {
    if (!scope.expired) throw error;
    throw new HoldfastError('wait_timeout', `Session ${id} is not ${target} after ${timeoutMs} ms.`);
  } finally {
    scope.close();
  }
}

/** Waits until a new session is live, or has ended. */
export async function waitUntilSettled(
  read: ReadChange,
  created: CreatedSession,
  signal: AbortSignal,
): Promise<LiveSession | EndedSession> {
  let seen: Session = created;
  while (seen.status === 'created') seen = await nextChange(read, created.id, seen, signal);
  return seen;
}

/** The error for a session that has ended. */
export function endedError(
  { id, status, endReason, error }: EndedSessionData,
  consequence: string,
  { code = 'session_ended', cause }: { readonly code?: ErrorCode; readonly cause?: unknown } = {},
): SessionEndedError {
  const why = error === null ? '' : `: ${error.message}`;
  const message = `Session ${id} has ended (${status}, ${endReason}${why}); ${consequence}.`;
  return new SessionEndedError(code, message, { sessionId: id, sessionStatus: status, endReason }, { cause });
}

const isReached = (session: Session, target: WaitTarget): boolean =>
  target === 'ended' ? isEnded(session) : session.status === target;

function unanswerable(id: string): never {
  throw new HoldfastError(
    'unexpected_answer',
    `Session ${id}: the answer is 304, although the request had no condition.`,
  );
}
