import type { Request, RequestHandler } from 'express';
import type { ListSessions } from '../../queries/list-sessions';
import { withinRedisBudget } from '../redis-budget';
import { tenantOf } from '../request-context';
import { parseListQuery } from '../schemas';
import type { SessionViews } from '../session-view';

/** What the route works with. */
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
    if (page.nextCursor !== null) res.set('Link', `<${nextPage(req, page.nextCursor)}>; rel="next"`);
    res.json({
      sessions: page.sessions.map(session => views.of(session)),
      nextCursor: page.nextCursor,
      hasMore: page.nextCursor !== null,
    });
  };
}

function nextPage(req: Request, cursor: string): string {
  const query = new URLSearchParams(req.originalUrl.slice(req.path.length + 1));
  query.set('cursor', cursor);
  return `${req.path}?${query.toString()}`;
}
