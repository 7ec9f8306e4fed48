import express, { type Express } from 'express';
import type { Service } from '../contract/service';
import type { Clock } from '../core/clock';
import type { Logger } from '../core/logger';
import type { StalledReaders } from '../core/stalled-readers';
import type { ApiMetrics } from '../metrics/api-metrics';
import type { Metrics } from '../metrics/metrics';
import type { Producer } from '../queue/producer';
import type { FileStore } from '../store/file-store';
import type { MaintenanceStore } from '../store/maintenance-store';
import type { ClusterExporter } from './cluster-exporter';
import type { Dialect } from './dialects/dialect';
import { dialectRouter, programsRouter } from './dialects/router';
import { accessLog } from './edge/access-log';
import type { Authenticator } from './edge/authenticator';
import type { EdgeGuard } from './edge/edge-guard';
import { errorHandler, notFound } from './edge/error-handler';
import { mount, type Handlers } from './mount';
import type { CONTEXT_OPERATIONS } from './openapi/context-operations';
import type { CONNECT_OPERATIONS } from './openapi/connect-operations';
import type { OperationId } from './openapi/operations';
import type { KEY_OPERATIONS } from './openapi/key-operations';
import type { VIEWER_OPERATIONS } from './openapi/viewer-operations';
import type { Readiness } from './readiness';
import { openContext } from './edge/request-context';
import {
  createContextRoute,
  deleteContextRoute,
  getContextRoute,
  listContextsRoute,
  listVersionsRoute,
  getStorageStateRoute,
  importStorageStateRoute,
  restoreVersionRoute,
  updateContextRoute,
} from './routes/contexts';
import { listAuditRoute } from './routes/audit';
import { createSessionRoute } from './routes/create-session';
import { devToolsJsonRoute } from './routes/devtools-json';
import { fileRoute } from './routes/files';
import { getSessionRoute } from './routes/get-session';
import { livezRoute, readyzRoute } from './routes/health';
import { landingRoute } from './routes/landing';
import { discardJobRoute, getJobRoute, listJobsRoute, retryJobRoute } from './routes/jobs';
import { createKeyRoute, listKeysRoute, revokeKeyRoute } from './routes/keys';
import { listSessionsRoute } from './routes/list-sessions';
import { BOARD_PATH, queueBoardRoute } from './routes/queue-board';
import { metricsRoute } from './routes/metrics';
import { docsRoute, openApiRoute } from './routes/openapi';
import { releaseAllRoute } from './routes/release-all';
import { rotateTokenRoute } from './routes/rotate-token';
import { releaseSessionRoute } from './routes/release-session';
import { sessionCdpRoute } from './routes/session-cdp';
import { fetchDownloadRoute, listDownloadsRoute } from './routes/session-downloads';
import { sessionEventsRoute } from './routes/session-events';
import { sessionLiveRoute } from './routes/session-live';
import { readCookiesRoute, screenshotRoute, writeCookiesRoute } from './routes/session-page';
import { viewerPictureRoute, viewerRoute, viewerStateRoute } from './routes/session-viewer';
import { listUploadsRoute, removeUploadRoute, uploadRoute } from './routes/session-uploads';
import { streamEventsRoute } from './routes/stream-events';
import { updateSessionRoute } from './routes/update-session';
import { saveContextRoute } from './routes/save-context';
import { usageRoute } from './routes/usage';
import { capacityRoute, drainWorkerRoute, listWorkersRoute } from './routes/workers';
import { streamSessionEventsRoute } from './routes/stream-session-events';
import type { EventStreams } from './streams/event-streams';

/** Dependencies of the HTTP side. */
export interface HttpParts {
  readonly service: Service;
  readonly dialects: readonly Dialect[];
  readonly guard: EdgeGuard;
  readonly authenticator: Authenticator;
  /** Aborted when this process shuts down. */
  readonly draining: AbortSignal;
  readonly readiness: Readiness;
  readonly stalledReaders: StalledReaders;
  readonly eventStreams: EventStreams;
  readonly apiMetrics: ApiMetrics;
  readonly metrics: Metrics;
  readonly cluster: ClusterExporter;
  /** Brings the figures of the clients of this process up to date. */
  readonly observeClients: () => void;
  readonly files: FileStore;
  readonly maintenance: MaintenanceStore;
  readonly producer: Producer;
  /** The secret of the installation. */
  readonly secret: string;
  readonly publicUrl: string | null;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The HTTP side of the API. A request passes the middleware in the order of the lines. */
export function httpApp(parts: HttpParts): Express {
  const handlers = handlersOf(parts);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(openContext(parts.draining));
  app.use(accessLog(parts.apiMetrics, parts.log, parts.clock));
  const atRoot = parts.dialects.find(({ mount: path }) => path === '');
  if (atRoot !== undefined) app.post('/', programsRouter(atRoot, parts));
  app.use((req, _res, next) => {
    parts.guard(req);
    next();
  });

  mount(app, handlers, 'open');
  app.use(BOARD_PATH, queueBoardRoute(parts));
  for (const dialect of parts.dialects)
    if (dialect !== atRoot) app.use(dialect.mount, dialectRouter(dialect, parts));
  app.use(parts.authenticator.middleware);
  mount(app, handlers, 'authenticated');

  app.use(notFound);
  app.use(errorHandler(parts.log));
  return app;
}

/* Paths and methods are in openapi/operations.ts. */
function handlersOf(parts: HttpParts): Handlers {
  const { service, authenticator, readiness, eventStreams, stalledReaders, publicUrl, clock, log } = parts;
  const { policy, getCapacity, countSessions, getSession, followSession, followTenant } = service;
  const { findKeeper, getUsage, fileLinks } = service;
  const { files, maintenance, metrics, cluster, observeClients } = parts;
  const release = releaseSessionRoute(service);
  return {
    getLanding: landingRoute({ authenticator, readiness, getCapacity, countSessions, publicUrl, log }),
    getLivez: livezRoute,
    getReadyz: readyzRoute(readiness),
    getOpenApi: openApiRoute(policy),
    getDocs: docsRoute({ policy, authenticator, publicUrl }),
    getMetrics: metricsRoute({ metrics, cluster, observeClients, clock }),
    createSession: createSessionRoute(service),
    listSessions: listSessionsRoute(service),
    releaseSessions: releaseAllRoute(service),
    getSession: getSessionRoute(service),
    updateSession: updateSessionRoute(service),
    ...{ deleteSession: release, releaseSession: release },
    getLiveDetails: sessionLiveRoute(service),
    getScreenshot: screenshotRoute(service),
    ...viewerHandlers(parts),
    getCookies: readCookiesRoute(service),
    setCookies: writeCookiesRoute(service),
    listDownloads: listDownloadsRoute(service),
    fetchDownload: fetchDownloadRoute({ findKeeper, stalledReaders }),
    listUploads: listUploadsRoute(service),
    upload: uploadRoute(service),
    deleteUpload: removeUploadRoute(service),
    ...connectHandlers(parts),
    listSessionEvents: sessionEventsRoute(service.sessionHistory),
    streamSessionEvents: streamSessionEventsRoute({ getSession, followSession, eventStreams }),
    streamEvents: streamEventsRoute({ followTenant, eventStreams }),
    ...contextHandlers(service),
    listWorkers: listWorkersRoute(service),
    drainWorker: drainWorkerRoute(service, true),
    undrainWorker: drainWorkerRoute(service, false),
    getCapacity: capacityRoute(service),
    getUsage: usageRoute({ getUsage, maintenance }),
    getFile: fileRoute({ files, fileLinks, authenticator }),
    listJobs: listJobsRoute(service),
    getJob: getJobRoute(service),
    retryJob: retryJobRoute(service),
    discardJob: discardJobRoute(service),
    ...keyHandlers(service),
  };
}

function viewerHandlers({ service, secret }: HttpParts): Pick<Handlers, keyof typeof VIEWER_OPERATIONS> {
  return {
    getViewer: viewerRoute({ secret }),
    getViewerState: viewerStateRoute({ ...service, secret }),
    getViewerPicture: viewerPictureRoute({ ...service, secret }),
  };
}

function connectHandlers({
  service,
  authenticator,
  secret,
}: HttpParts): Pick<Handlers, keyof typeof CONNECT_OPERATIONS | (`getDevTools${string}` & OperationId)> {
  const { findDevTools, views } = service;
  const devTools = { findDevTools, views, authenticator, secret };
  return {
    connect: sessionCdpRoute,
    rotateToken: rotateTokenRoute(service),
    getDevToolsVersion: devToolsJsonRoute('version', devTools),
    getDevToolsTargets: devToolsJsonRoute('list', devTools),
    getDevToolsProtocol: devToolsJsonRoute('protocol', devTools),
  };
}

function keyHandlers(service: Service): Pick<Handlers, keyof typeof KEY_OPERATIONS> {
  return {
    createKey: createKeyRoute(service),
    listKeys: listKeysRoute(service),
    revokeKey: revokeKeyRoute(service),
    listAudit: listAuditRoute(service),
  };
}

function contextHandlers(service: Service): Pick<Handlers, keyof typeof CONTEXT_OPERATIONS | 'syncContext'> {
  return {
    syncContext: saveContextRoute(service),
    createContext: createContextRoute(service),
    listContexts: listContextsRoute(service),
    getContext: getContextRoute(service),
    updateContext: updateContextRoute(service),
    deleteContext: deleteContextRoute(service),
    listContextVersions: listVersionsRoute(service),
    restoreContextVersion: restoreVersionRoute(service),
    getStorageState: getStorageStateRoute(service),
    importStorageState: importStorageStateRoute(service),
  };
}
