import type { RequestHandler } from 'express';
import { z } from 'zod';
import { checkFields } from '../../core/check-fields';
import type { SessionHistory } from '../../queries/session-history';
import { linkToNext } from '../edge/link';
import { withinRedisBudget } from '../edge/redis-budget';
import { sessionEvent } from '../streams/session-event';
import { refOfParam } from '../edge/session-param';

/** A session rarely has more lines, so that a client without paging gets all of them. */
const EVENTS_MAX = 1_000;

/** The query of `GET /v1/sessions/{id}/events`. */
export const sessionEventsQuery = z.object({
  after: z
    .string()
    .regex(/^\d{1,9}$/, 'must be the `seq` of an event')
    .transform(Number)
    .default(0)
    .describe('Only events after the one with this `seq`, such as `nextCursor` of a page.'),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(EVENTS_MAX))
    .default(EVENTS_MAX),
});

/** `GET /v1/sessions/:id/events`: what happened to a session, oldest first, one page of it. */
export function sessionEventsRoute(history: SessionHistory): RequestHandler {
  return async (req, res) => {
    const { after, limit } = checkFields(sessionEventsQuery, req.query, { root: 'query' });
    const ref = refOfParam(req, res);
    const { entries, hasMore } = await withinRedisBudget(history({ ref, afterSeq: after, limit }));
    const last = entries.at(-1);
    const nextCursor = hasMore && last !== undefined ? String(last.seq) : null;
    if (nextCursor !== null) res.set('Link', linkToNext(req, 'after', nextCursor));
    res.json({ events: entries.map(sessionEvent), nextCursor, hasMore });
  };
}
