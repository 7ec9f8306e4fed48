import type { RequestHandler } from 'express';
import { createBodyParser, parseIdempotencyKey, type TimeoutPolicy } from '../../contract/schemas';
import { sessionPath, type SessionViews } from '../../contract/session-view';
import { budgetHeaders } from '../edge/budget-headers';
import { etagOf } from '../edge/etag';
import { parsePrefer, preferenceApplied, type Preferences } from '../edge/prefer';
import { actorOf, contextOf, tenantOf } from '../edge/request-context';
import { createLive, LIVE_WAIT_MS, type CreateLiveParts } from '../live-creation';

/** Dependencies of the route. */
export interface CreateSessionRouteParts extends CreateLiveParts {
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
  const create = createLive(parts);
  return async (req, res) => {
    const session = parseBody(req.body);
    const idempotencyKey = parseIdempotencyKey(req.headers['idempotency-key']);
    const preferences = parsePrefer(req.headers['prefer']);
    const { accepted, found, ended } = await create({
      ...{ tenant: tenantOf(res), session, idempotencyKey, actor: actorOf(res) },
      waitMs: waitMsOf(preferences),
      stopWaiting: contextOf(res).stopWaiting,
    });

    const applied = preferenceApplied(preferences);
    if (applied !== null) res.set('Preference-Applied', applied);
    res.set(budgetHeaders(accepted.budgets));
    if (accepted.replayed) res.set('Idempotency-Replayed', 'true');
    if (ended !== null) throw ended;
    const view = parts.views.of(found);
    res
      .status(view.status === 'created' ? 202 : 201)
      .set({ Location: sessionPath(view.id), ETag: etagOf(view.revision) })
      .json(view);
  };
}

function waitMsOf({ waitSeconds, respondAsync }: Preferences): number {
  if (waitSeconds !== null) return waitSeconds * 1_000;
  return respondAsync ? 0 : LIVE_WAIT_MS;
}
