import { openScope, pause } from './cancellation';
import { HoldfastError, SessionEndedError } from './errors';
import { idOf, isEnded, type Session, type SessionOrId, type SessionStatus } from './session';
import type { RequestOptions } from './transport';

/** What can be waited for: a status, or any end. */
export type WaitTarget = SessionStatus | 'ended';

/** How to wait. */
export interface WaitOptions {
  /** Default: for ever. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads a session; null if it still has `revision` after `waitSeconds`. Without a revision it answers at once. */
export type ReadChange = (
  id: string,
  known: { readonly revision: number; readonly waitSeconds: number } | null,
  request: RequestOptions,
) => Promise<Session | null>;

/** How long one request waits at the service; proxies cut at a minute. */
const POLL_SECONDS = 30;

/** What the service may take to answer beyond the wait, milliseconds. */
const POLL_MARGIN_MS = 15_000;

/** A service that is shutting down answers before the wait is over; do not ask it in a circle. */
const EARLY_ANSWER_PAUSE_MS = 500;

/** Waits until a session has another revision than the one that is known; reads it at once if none is. */
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
 * Waits until a session is what is wanted.
 *
 * @throws SessionEndedError if it ends otherwise; HoldfastError `wait_timeout`.
 */
export async function waitForTarget(
  read: ReadChange,
  session: SessionOrId,
  target: WaitTarget,
  { timeoutMs, signal }: WaitOptions,
): Promise<Session> {
  const id = idOf(session);
  const scope = openScope(timeoutMs, signal);
  try {
    let seen = await nextChange(read, id, null, scope.signal);
    while (!isReached(seen, target)) {
      if (isEnded(seen)) throw endedError(seen, `it did not become ${target}`);
      seen = await nextChange(read, id, seen, scope.signal);
    }
    return seen;
  } catch (error) {
    if (!scope.expired) throw error;
    throw new HoldfastError('wait_timeout', `Session ${id} is not ${target} after ${timeoutMs} ms.`);
  } finally {
    scope.close();
  }
}

/** Says that a session has ended, and how. */
export function endedError(session: Session, consequence: string, cause?: unknown): SessionEndedError {
  const { id, status, endReason, error } = session;
  const why = error === null ? '' : `: ${error.message}`;
  const how = `${status}, ${endReason ?? 'unknown'}${why}`;
  return new SessionEndedError(`Session ${id} has ended (${how}); ${consequence}.`, status, endReason, {
    cause,
  });
}

const isReached = (session: Session, target: WaitTarget): boolean =>
  target === 'ended' ? isEnded(session) : session.status === target;

function unanswerable(id: string): never {
  throw new HoldfastError('unexpected_answer', `Session ${id} was asked for without condition: 304.`);
}
