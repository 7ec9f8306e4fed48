import type { RequestHandler } from 'express';
import type { AwaitSession } from '../../queries/await-session';
import type { GetSession } from '../../queries/get-session';
import { etagOf, hasRevision } from '../edge/etag';
import { parsePrefer, preferenceApplied } from '../edge/prefer';
import { withinRedisBudget } from '../edge/redis-budget';
import { contextOf, mayConnect } from '../edge/request-context';
import { refOfParam } from '../edge/session-param';
import type { SessionViews } from '../../contract/session-view';

/** Dependencies of the route. */
export interface GetSessionRouteParts {
  readonly getSession: GetSession;
  readonly awaitSession: AwaitSession;
  readonly views: SessionViews;
}

/**
 * `GET /v1/sessions/:id`: the session, or 304 if the client has this revision. With `If-None-Match` and `Prefer: wait`
 * it answers on the next change, or 304 when the wait is over.
 */
export function getSessionRoute({ getSession, awaitSession, views }: GetSessionRouteParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const known = req.headers['if-none-match'];
    const preferences = parsePrefer(req.headers['prefer']);
    let found = await withinRedisBudget(getSession(ref));
    if (hasRevision(known, found.record.revision) && preferences.waitSeconds !== null) {
      res.set('Preference-Applied', preferenceApplied({ ...preferences, respondAsync: false }) ?? '');
      found = await awaitSession({
        ref,
        until: ({ revision }) => !hasRevision(known, revision),
        timeoutMs: preferences.waitSeconds * 1_000,
        signal: contextOf(res).stopWaiting,
      });
    }
    res.set('ETag', etagOf(found.record.revision));
    if (hasRevision(known, found.record.revision)) res.status(304).end();
    else res.json(views.of(found, mayConnect(res)));
  };
}
