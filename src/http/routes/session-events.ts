import type { RequestHandler } from 'express';
import type { SessionHistory } from '../../queries/session-history';
import { withinRedisBudget } from '../redis-budget';
import { refOfParam } from '../session-param';
import { iso } from '../session-view';

/** `GET /v1/sessions/:id/events`: everything that happened to a session, oldest first. */
export function sessionEventsRoute(history: SessionHistory): RequestHandler {
  return async (req, res) => {
    const entries = await withinRedisBudget(history(refOfParam(req, res)));
    res.json({
      events: entries.map(({ seq, at, event, from, to, cause, actor }) => ({
        seq,
        at: iso(at),
        event,
        from,
        to,
        cause,
        actor,
      })),
    });
  };
}
