import { statusOf } from '../../machines/session/session.view';
import { isEnded } from '../../machines/session/session.words';
import type { Accepted, CreateRequest, CreateSession } from '../commands/create-session';
import type { ServiceError } from '../core/errors';
import { createEnded } from '../engine/session-ended';
import type { AwaitSession } from '../queries/await-session';
import type { FoundSession } from '../queries/get-session';
import { codedError } from './edge/problem';
import { withinRedisBudget } from './edge/redis-budget';

/** How long a create waits for its session to be live, by default. */
export const LIVE_WAIT_MS = 30_000;

/**
 * The notice that a session is live comes sooner, if its browser is warm. A process that was frozen after the commit
 * may have passed over it.
 */
const FIRST_READ_AFTER_MS = 1_000;

/** A session to be created, and how long to wait for it. */
export interface LiveCreation extends CreateRequest {
  readonly waitMs: number;
  /** Ends the wait early. */
  readonly stopWaiting: AbortSignal;
}

/** A session that was created: live, or still waiting when the time was up. */
export interface Creation {
  readonly accepted: Accepted;
  readonly found: FoundSession;
  /** The error that answers the create if its session has ended meanwhile: for its end reason, with its id. */
  readonly ended: ServiceError | null;
}

/** Creates a session and waits until it is live. */
export type CreateLive = (request: LiveCreation) => Promise<Creation>;

/** Dependencies of {@link createLive}. */
export interface CreateLiveParts {
  readonly createSession: CreateSession;
  readonly awaitSession: AwaitSession;
}

/** @throws ServiceError what {@link CreateSession} throws. */
export function createLive({ createSession, awaitSession }: CreateLiveParts): CreateLive {
  return async ({ waitMs, stopWaiting, ...request }) => {
    const accepted = await withinRedisBudget(createSession(request));
    const found = await untilLive(awaitSession, accepted, waitMs, stopWaiting);
    const { snapshot } = found.record;
    // A repeat of a named request gets the same answer.
    const isNamed = request.idempotencyKey !== null || request.session.sessionId !== null;
    return { accepted, found, ended: isEnded(statusOf(snapshot)) ? createEnded(snapshot, isNamed) : null };
  };
}

/**
 * Waits until a session is live or has ended; if Redis goes away meanwhile, answers the session as it was created.
 *
 * @param timeoutMs - then the session is answered as it is
 */
export async function untilLive(
  awaitSession: AwaitSession,
  { ref, committed }: Accepted,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<FoundSession> {
  try {
    return await awaitSession({
      ref,
      until: ({ snapshot }) => statusOf(snapshot) !== 'created',
      // A claim, and an attempt that failed, leave it as it was.
      matters: notice => notice.type !== 'transition' || notice.to !== 'created',
      firstReadAfterMs: committed === null ? 0 : FIRST_READ_AFTER_MS,
      timeoutMs,
      signal,
    });
  } catch (error) {
    // The session is committed. An error now would make the client ask for a second one.
    if (committed === null || codedError(error).code !== 'redis_unavailable') throw error;
    return { ...committed, queuePosition: null };
  }
}
