import express, { type Express } from 'express';
import type { ReleaseAll } from '../commands/release-all';
import type { Clock } from '../core/clock';
import type { Logger } from '../core/logger';
import type { Metrics } from '../events/metrics';
import type { SessionHistory } from '../queries/session-history';
import { accessLog } from './access-log';
import type { Authenticator } from './authenticator';
import { bodyReader } from './body';
import type { EdgeGuard } from './edge-guard';
import { errorHandler, methodNotAllowed, notFound } from './error-handler';
import type { Readiness } from './readiness';
import { openContext } from './request-context';
import { createSessionRoute, type CreateSessionRouteParts } from './routes/create-session';
import { getSessionRoute, type GetSessionRouteParts } from './routes/get-session';
import { livezRoute, readyzRoute } from './routes/health';
import { listSessionsRoute, type ListSessionsRouteParts } from './routes/list-sessions';
import { metricsRoute, type MetricsRouteParts } from './routes/metrics';
import { releaseAllRoute } from './routes/release-all';
import { releaseSessionRoute, type ReleaseSessionRouteParts } from './routes/release-session';
import { sessionCdpRoute } from './routes/session-cdp';
import { sessionEventsRoute } from './routes/session-events';
import { sessionLiveRoute, type SessionLiveRouteParts } from './routes/session-live';

/** Everything the routes work with. */
export interface HttpParts
  extends
    CreateSessionRouteParts,
    GetSessionRouteParts,
    ListSessionsRouteParts,
    ReleaseSessionRouteParts,
    SessionLiveRouteParts,
    MetricsRouteParts {
  readonly releaseAll: ReleaseAll;
  readonly sessionHistory: SessionHistory;
  readonly guard: EdgeGuard;
  readonly authenticator: Authenticator;
  readonly readiness: Pick<Readiness, 'report'>;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when this process shuts down. */
  readonly draining: AbortSignal;
}

/** The HTTP side of the API. The order of the lines is the order in which a request passes them. */
export function httpApp(parts: HttpParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(openContext(parts.draining));
  app.use(accessLog(parts.metrics, parts.log, parts.clock));
  app.use((req, _res, next) => {
    parts.guard(req);
    next();
  });

  app.route('/livez').get(livezRoute).all(methodNotAllowed('GET'));
  app.route('/readyz').get(readyzRoute(parts.readiness)).all(methodNotAllowed('GET'));
  app.route('/v1/sessions/:id/cdp').get(sessionCdpRoute).all(methodNotAllowed('GET'));

  app.use(parts.authenticator.middleware);
  app.use(bodyReader());
  app.route('/metrics').get(metricsRoute(parts)).all(methodNotAllowed('GET'));
  sessionRoutes(app, parts);

  app.use(notFound);
  app.use(errorHandler(parts.log));
  return app;
}

function sessionRoutes(app: Express, parts: HttpParts): void {
  const release = releaseSessionRoute(parts);
  app
    .route('/v1/sessions')
    .post(createSessionRoute(parts))
    .get(listSessionsRoute(parts))
    .all(methodNotAllowed('GET', 'POST'));
  // POST only: `release` is also a possible session id, which GET and DELETE must reach.
  app.route('/v1/sessions/release').post(releaseAllRoute(parts.releaseAll));
  app
    .route('/v1/sessions/:id')
    .get(getSessionRoute(parts))
    .delete(release)
    .all(methodNotAllowed('GET', 'DELETE'));
  app.route('/v1/sessions/:id/release').post(release).all(methodNotAllowed('POST'));
  app.route('/v1/sessions/:id/live').get(sessionLiveRoute(parts)).all(methodNotAllowed('GET'));
  app
    .route('/v1/sessions/:id/events')
    .get(sessionEventsRoute(parts.sessionHistory))
    .all(methodNotAllowed('GET'));
}
