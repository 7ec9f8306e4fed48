import type { RequestHandler } from 'express';
import { statusOf } from '../../../machines/session/session.view';
import { isEnded } from '../../../machines/session/session.words';
import type { Accepted, CreateSession } from '../../commands/create-session';
import { createEnded } from '../../engine/session-ended';
import type { AwaitSession } from '../../queries/await-session';
import type { FoundSession } from '../../queries/get-session';
import { codedError } from '../edge/problem';
import { etagOf } from '../edge/etag';
import { parsePrefer, preferenceApplied, type Preferences } from '../edge/prefer';
import { withinRedisBudget } from '../edge/redis-budget';
import { actorOf, contextOf, tenantOf } from '../edge/request-context';
import { createBodyParser, parseIdempotencyKey, type TimeoutPolicy } from '../../contract/schemas';
import { sessionPath, type SessionViews } from '../../contract/session-view';

/** How long a create waits for its session to be live, by default. */
const WAIT_DEFAULT_SECONDS = 30;

/** Dependencies of the route. */
export interface CreateSessionRouteParts {
  readonly createSession: CreateSession;
  readonly awaitSession: AwaitSession;
  readonly views: SessionViews;
  readonly policy: TimeoutPolicy;
}

/**
 * `POST /v1/sessions`: 201 with the session once it is live, 202 with its current state if that takes longer than the
 * client waits. If the session has ended (its launch failed, or it was released), the answer is an error for its end
 * reason that contains its id: clients cannot connect to it, but it stays readable. A repeat of the same request gets
 * the same answer.
 */
export function createSessionRoute(parts: CreateSessionRouteParts): RequestHandler {
  const parseBody = createBodyParser(parts.policy);
  return async (req, res) => {
    const session = parseBody(req.body);
    const idempotencyKey = parseIdempotencyKey(req.headers['idempotency-key']);
    const preferences = parsePrefer(req.headers['prefer']);
    const accepted = await withinRedisBudget(
      parts.createSession({ tenant: tenantOf(res), session, idempotencyKey, actor: actorOf(res) }),
    );
    const found = await untilLive(parts, accepted, preferences, contextOf(res).stopWaiting);

    const applied = preferenceApplied(preferences);
    if (applied !== null) res.set('Preference-Applied', applied);
    if (accepted.replayed) res.set('Idempotency-Replayed', 'true');
    const { snapshot } = found.record;
    if (isEnded(statusOf(snapshot))) {
      throw createEnded(snapshot, idempotencyKey !== null || session.sessionId !== null);
    }
    const view = parts.views.of(found);
    res
      .status(view.status === 'created' ? 202 : 201)
      .set({ Location: sessionPath(view.id), ETag: etagOf(view.revision) })
      .json(view);
  };
}

async function untilLive(
  { awaitSession }: CreateSessionRouteParts,
  { ref, committed }: Accepted,
  { waitSeconds, respondAsync }: Preferences,
  stopWaiting: AbortSignal,
): Promise<FoundSession> {
  try {
    return await awaitSession({
      ref,
      until: ({ snapshot }) => statusOf(snapshot) !== 'created',
      timeoutMs: (waitSeconds ?? (respondAsync ? 0 : WAIT_DEFAULT_SECONDS)) * 1_000,
      signal: stopWaiting,
    });
  } catch (error) {
    // The session is committed. An error now would make the client ask for a second one.
    if (committed === null || codedError(error).code !== 'redis_unavailable') throw error;
    return { ...committed, queuePosition: null };
  }
}
