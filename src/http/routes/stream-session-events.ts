import type { RequestHandler } from 'express';
import { statusOf } from '../../../machines/session/session.view';
import { isEnded } from '../../../machines/session/session.words';
import type { FollowSession, SessionFeedItem } from '../../queries/follow-session';
import type { GetSession } from '../../queries/get-session';
import { lastEventIdOf, type StreamEvent } from '../streams/event-stream';
import type { EventStreams } from '../streams/event-streams';
import { withinRedisBudget } from '../edge/redis-budget';
import { contextOf } from '../edge/request-context';
import { closedEvent, sessionEvent } from '../streams/session-event';
import { refOfParam } from '../edge/session-param';

/** The id of `closed`; all others are numbers. A reader that returns with it has seen everything. */
const CLOSED_ID = 'closed';

/** Dependencies of the route. */
export interface StreamSessionEventsRouteParts {
  readonly getSession: GetSession;
  readonly followSession: FollowSession;
  readonly eventStreams: Pick<EventStreams, 'open'>;
}

/**
 * `GET /v1/sessions/:id/events/stream`: the history from the reader's position, then new lines, until the browser of
 * the ended session is gone. 204 for a reader that has seen that: the only answer that keeps an `EventSource` from
 * reconnecting.
 */
export function streamSessionEventsRoute(parts: StreamSessionEventsRouteParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const lastId = lastEventIdOf(req);
    const { record } = await withinRedisBudget(parts.getSession(ref));
    if (lastId === CLOSED_ID && isEnded(statusOf(record.snapshot))) {
      res.status(204).end();
      return;
    }
    const stream = await parts.eventStreams.open(req, res);
    const { stopWaiting: signal } = contextOf(res);
    const { id } = record.snapshot.context;
    for await (const item of parts.followSession({ ref, afterSeq: seqOf(lastId), signal })) {
      if (stream.isClosed) return;
      await stream.send(eventOf(item, id));
    }
    stream.end();
  };
}

function eventOf(item: SessionFeedItem, sessionId: string): StreamEvent {
  switch (item.type) {
    case 'transition':
      return { event: 'transition', id: String(item.entry.seq), data: sessionEvent(item.entry) };
    case 'reset':
      return { event: 'reset', id: '0', data: { sessionId } };
    case 'closed':
      return { event: 'closed', id: CLOSED_ID, data: closedEvent(sessionId, item.save, item.traffic) };
  }
}

/* The last line that a reader has seen; null for an id that cannot be one. */
function seqOf(lastId: string | null): number | null {
  if (lastId === null) return 0;
  return /^\d{1,9}$/.test(lastId) ? Number(lastId) : null;
}
