import type { RequestHandler } from 'express';
import type { SessionHistory } from '../../queries/session-history';
import { withinRedisBudget } from '../redis-budget';
import { sessionEvent } from '../session-event';
import { refOfParam } from '../session-param';

/** `GET /v1/sessions/:id/events`: everything that happened to a session, oldest first. */
export function sessionEventsRoute(history: SessionHistory): RequestHandler {
  return async (req, res) => {
    const entries = await withinRedisBudget(history(refOfParam(req, res)));
    res.json({ events: entries.map(sessionEvent) });
  };
}
