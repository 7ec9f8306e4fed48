import type { RequestHandler, Response } from 'express';
import type { RecordRelease } from '../../commands/record-audit';
import type { ReleaseSession } from '../../commands/release-session';
import { etagOf } from '../edge/etag';
import { parsePrefer } from '../edge/prefer';
import { withinRedisBudget } from '../edge/redis-budget';
import { actorOf, contextOf } from '../edge/request-context';
import { parseIdempotencyKey } from '../../contract/schemas';
import { refOfParam } from '../edge/session-param';
import type { SessionViews } from '../../contract/session-view';

/** Dependencies of the route. */
export interface ReleaseSessionRouteParts {
  readonly releaseSession: ReleaseSession;
  readonly views: SessionViews;
  readonly recordRelease: RecordRelease;
}

/**
 * `POST /v1/sessions/:id/release` and `DELETE /v1/sessions/:id`: 200 with the ended session, also if it had ended
 * before. Answers when its browser is gone (after 5 s at most), with `Prefer: respond-async` as soon as the end is
 * committed.
 */
export function releaseSessionRoute({
  releaseSession,
  views,
  recordRelease,
}: ReleaseSessionRouteParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const idempotencyKey = parseIdempotencyKey(req.headers['idempotency-key']);
    const { respondAsync } = parsePrefer(req.headers['prefer']);
    const released = await withinRedisBudget(
      releaseSession({
        ref,
        reason: 'released_by_client',
        actor: actorOf(res),
        requestKey: idempotencyKey ?? givenRequestId(res),
      }),
    );
    // Not awaited, and it never rejects: the session is released.
    void recordRelease(ref, actorOf(res));
    if (respondAsync) res.set('Preference-Applied', 'respond-async');
    const record = respondAsync ? released.record : await released.closed();
    res.set('ETag', etagOf(record.revision));
    res.json(views.of({ ...released, record, queuePosition: null }));
  };
}

function givenRequestId(res: Response): string | null {
  const { requestId, requestIdGiven } = contextOf(res);
  return requestIdGiven ? requestId : null;
}
