import type { RequestHandler } from 'express';
import type { UpdateSession } from '../../commands/update-session';
import type { GetSession } from '../../queries/get-session';
import { etagOf } from '../edge/etag';
import { withinRedisBudget } from '../edge/redis-budget';
import { actorOf } from '../edge/request-context';
import { parseIdempotencyKey, type TimeoutPolicy } from '../../contract/schemas';
import { refOfParam } from '../edge/session-param';
import type { SessionViews } from '../../contract/session-view';
import { parseIfMatch, parseUpdateBody } from '../../contract/update-body';

/** Dependencies of the route. */
export interface UpdateSessionRouteParts {
  readonly updateSession: UpdateSession;
  readonly getSession: GetSession;
  readonly views: SessionViews;
  readonly policy: TimeoutPolicy;
}

/**
 * `PATCH /v1/sessions/:id`: changes time-outs, labels and name of an open session; 200 with the changed session. With
 * `If-Match` only if it still has that revision. A retry with the same `Idempotency-Key` is applied once.
 */
export function updateSessionRoute(parts: UpdateSessionRouteParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const ifRevision = parseIfMatch(req.headers['if-match']);
    const requestKey = parseIdempotencyKey(req.headers['idempotency-key']);
    const update = parseUpdateBody(req.body, parts.policy);
    const found = await withinRedisBudget(
      parts
        .updateSession({ ref, ...update, ifRevision, actor: actorOf(res), requestKey })
        .then(() => parts.getSession(ref)),
    );
    res.set('ETag', etagOf(found.record.revision)).json(parts.views.of(found));
  };
}
