import express, { type Express } from 'express';
import type { ReleaseAll } from '../commands/release-all';
import type { Clock } from '../core/clock';
import type { Logger } from '../core/logger';
import type { ApiMetrics } from '../metrics/api-metrics';
import type { SessionHistory } from '../queries/session-history';
import { accessLog } from './edge/access-log';
import type { Authenticator } from './edge/authenticator';
import { bodyReader } from './edge/body';
import type { EdgeGuard } from './edge/edge-guard';
import { errorHandler, notFound } from './edge/error-handler';
import { mount, type Handlers } from './mount';
import { openContext } from './edge/request-context';
import { createSessionRoute, type CreateSessionRouteParts } from './routes/create-session';
import { devToolsJsonRoute, type DevToolsJsonRouteParts } from './routes/devtools-json';
import { fileRoute, type FileRouteParts } from './routes/files';
import { getSessionRoute, type GetSessionRouteParts } from './routes/get-session';
import { livezRoute, readyzRoute } from './routes/health';
import { landingRoute, type LandingRouteParts } from './routes/landing';
import {
  discardJobRoute,
  getJobRoute,
  listJobsRoute,
  retryJobRoute,
  type JobRouteParts,
} from './routes/jobs';
import { listSessionsRoute, type ListSessionsRouteParts } from './routes/list-sessions';
import { BOARD_PATH, queueBoardRoute, type QueueBoardParts } from './routes/queue-board';
import { metricsRoute, type MetricsRouteParts } from './routes/metrics';
import { docsRoute, openApiRoute } from './routes/openapi';
import { releaseAllRoute } from './routes/release-all';
import { releaseSessionRoute, type ReleaseSessionRouteParts } from './routes/release-session';
import { sessionCdpRoute } from './routes/session-cdp';
import {
  fetchDownloadRoute,
  listDownloadsRoute,
  type SessionDownloadsRouteParts,
} from './routes/session-downloads';
import { sessionEventsRoute } from './routes/session-events';
import { sessionLiveRoute, type SessionLiveRouteParts } from './routes/session-live';
import {
  readCookiesRoute,
  screenshotRoute,
  writeCookiesRoute,
  type SessionPageRouteParts,
} from './routes/session-page';
import { streamEventsRoute, type StreamEventsRouteParts } from './routes/stream-events';
import { updateSessionRoute, type UpdateSessionRouteParts } from './routes/update-session';
import { usageRoute, type UsageRouteParts } from './routes/usage';
import { capacityRoute, drainWorkerRoute, listWorkersRoute, type WorkerRouteParts } from './routes/workers';
import { streamSessionEventsRoute, type StreamSessionEventsRouteParts } from './routes/stream-session-events';

/** Dependencies of all routes. */
export interface HttpParts
  extends
    CreateSessionRouteParts,
    FileRouteParts,
    GetSessionRouteParts,
    JobRouteParts,
    LandingRouteParts,
    ListSessionsRouteParts,
    ReleaseSessionRouteParts,
    SessionLiveRouteParts,
    SessionPageRouteParts,
    SessionDownloadsRouteParts,
    DevToolsJsonRouteParts,
    StreamEventsRouteParts,
    StreamSessionEventsRouteParts,
    UpdateSessionRouteParts,
    UsageRouteParts,
    WorkerRouteParts,
    MetricsRouteParts,
    QueueBoardParts {
  readonly releaseAll: ReleaseAll;
  readonly sessionHistory: SessionHistory;
  readonly guard: EdgeGuard;
  readonly authenticator: Authenticator;
  readonly apiMetrics: ApiMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when this process shuts down. */
  readonly draining: AbortSignal;
}

/** The HTTP side of the API. A request passes the middleware in the order of the lines. */
export function httpApp(parts: HttpParts): Express {
  const handlers = handlersOf(parts);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(openContext(parts.draining));
  app.use(accessLog(parts.apiMetrics, parts.log, parts.clock));
  app.use((req, _res, next) => {
    parts.guard(req);
    next();
  });

  mount(app, handlers, 'open');
  app.use(BOARD_PATH, queueBoardRoute(parts));
  app.use(parts.authenticator.middleware);
  app.use(bodyReader());
  mount(app, handlers, 'authenticated');

  app.use(notFound);
  app.use(errorHandler(parts.log));
  return app;
}

/* Paths and methods are in openapi/operations.ts. */
function handlersOf(parts: HttpParts): Handlers {
  const release = releaseSessionRoute(parts);
  return {
    getLanding: landingRoute(parts),
    getLivez: livezRoute,
    getReadyz: readyzRoute(parts.readiness),
    getOpenApi: openApiRoute(parts.policy),
    getDocs: docsRoute(parts),
    getMetrics: metricsRoute(parts),
    createSession: createSessionRoute(parts),
    listSessions: listSessionsRoute(parts),
    releaseSessions: releaseAllRoute(parts.releaseAll),
    getSession: getSessionRoute(parts),
    updateSession: updateSessionRoute(parts),
    deleteSession: release,
    releaseSession: release,
    getLiveDetails: sessionLiveRoute(parts),
    getScreenshot: screenshotRoute(parts),
    getCookies: readCookiesRoute(parts),
    setCookies: writeCookiesRoute(parts),
    listDownloads: listDownloadsRoute(parts),
    fetchDownload: fetchDownloadRoute(parts),
    connect: sessionCdpRoute,
    getDevToolsVersion: devToolsJsonRoute('version', parts),
    getDevToolsTargets: devToolsJsonRoute('list', parts),
    getDevToolsProtocol: devToolsJsonRoute('protocol', parts),
    listSessionEvents: sessionEventsRoute(parts.sessionHistory),
    streamSessionEvents: streamSessionEventsRoute(parts),
    streamEvents: streamEventsRoute(parts),
    listWorkers: listWorkersRoute(parts),
    drainWorker: drainWorkerRoute(parts, true),
    undrainWorker: drainWorkerRoute(parts, false),
    getCapacity: capacityRoute(parts),
    getUsage: usageRoute(parts),
    getFile: fileRoute(parts),
    listJobs: listJobsRoute(parts),
    getJob: getJobRoute(parts),
    retryJob: retryJobRoute(parts),
    discardJob: discardJobRoute(parts),
  };
}
