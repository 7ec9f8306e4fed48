import type { RequestHandler } from 'express';
import type { ListSessions } from '../../queries/list-sessions';
import { linkToNext } from '../edge/link';
import { withinRedisBudget } from '../edge/redis-budget';
import { mayConnect, tenantOf } from '../edge/request-context';
import { parseListQuery } from '../../contract/schemas';
import type { SessionViews } from '../../contract/session-view';

/** Dependencies of the route. */
export interface ListSessionsRouteParts {
  readonly listSessions: ListSessions;
  readonly views: SessionViews;
}

/** `GET /v1/sessions`: one page of the tenant's retained sessions, newest first. */
export function listSessionsRoute({ listSessions, views }: ListSessionsRouteParts): RequestHandler {
  return async (req, res) => {
    const { selection, cursor, limit } = parseListQuery(req.query);
    const page = await withinRedisBudget(
      listSessions({ tenant: tenantOf(res), ...selection, cursor, limit }),
    );
    if (page.nextCursor !== null) res.set('Link', linkToNext(req, 'cursor', page.nextCursor));
    res.json({
      sessions: page.sessions.map(session => views.of(session, mayConnect(res))),
      nextCursor: page.nextCursor,
      hasMore: page.nextCursor !== null,
    });
  };
}
