import type { RequestHandler } from 'express';
import type { GetLiveDetails } from '../../queries/live-details';
import { withinRedisBudget } from '../edge/redis-budget';
import { mayConnect } from '../edge/request-context';
import { refOfParam } from '../edge/session-param';
import type { SessionViews } from '../../contract/session-view';
import { isoOrNull } from '../../contract/times';

/** Dependencies of the route. */
export interface SessionLiveRouteParts {
  readonly liveDetails: GetLiveDetails;
  readonly views: SessionViews;
}

/** `GET /v1/sessions/:id/live`: the details of a live session that change without a new revision. */
export function sessionLiveRoute({ liveDetails, views }: SessionLiveRouteParts): RequestHandler {
  return async (req, res) => {
    const details = await withinRedisBudget(liveDetails(refOfParam(req, res)));
    const { id, websocketUrl, viewerUrl } = views.of(details.session, mayConnect(res));
    res.json({
      id,
      websocketUrl,
      wsUrl: websocketUrl,
      viewerUrl,
      sessionViewerUrl: viewerUrl,
      pages: details.pages ?? [],
      // Says whether `pages` is empty because there are none, or because the browser could not be asked.
      pagesKnown: details.pages !== null,
      traffic: details.traffic,
      clientsAttached: details.clientsAttached,
      lastActivityAt: isoOrNull(details.lastActivityMs),
      idleExpiresAt: isoOrNull(details.idleExpiresAtMs),
      asleepSince: isoOrNull(details.asleepSinceMs),
    });
  };
}
