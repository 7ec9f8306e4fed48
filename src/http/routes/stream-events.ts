import type { RequestHandler } from 'express';
import type { FollowTenant, TenantFeedItem } from '../../queries/follow-tenant';
import { lastEventIdOf, type StreamEvent } from '../streams/event-stream';
import type { EventStreams } from '../streams/event-streams';
import { withinRedisBudget } from '../edge/redis-budget';
import { contextOf, tenantOf } from '../edge/request-context';
import { closedEvent, contextEvent, transitionEvent } from '../streams/session-event';

/** Dependencies of the route. */
export interface StreamEventsRouteParts {
  readonly followTenant: FollowTenant;
  readonly eventStreams: Pick<EventStreams, 'open'>;
}

/** `GET /v1/events`: events of all the tenant's sessions and contexts, from now on or from the reader's position. */
export function streamEventsRoute({ followTenant, eventStreams }: StreamEventsRouteParts): RequestHandler {
  return async (req, res) => {
    const feed = await withinRedisBudget(followTenant(tenantOf(res), lastEventIdOf(req)));
    const stream = await eventStreams.open(req, res, () => feed.position);
    for await (const item of feed.items(contextOf(res).stopWaiting)) {
      if (stream.isClosed) return;
      await stream.send(eventOf(item));
    }
    stream.end();
  };
}

function eventOf(item: TenantFeedItem): StreamEvent {
  const { id } = item;
  if (item.type === 'reset') return { event: 'reset', id, data: {} };
  if (item.type === 'context')
    return { event: 'context', id, data: contextEvent(item.contextId, item.notice) };
  const { sessionId, notice } = item;
  return notice.type === 'closed'
    ? { event: 'closed', id, data: closedEvent(sessionId, notice.save ?? null, notice.traffic ?? null) }
    : { event: 'transition', id, data: transitionEvent(sessionId, notice) };
}
