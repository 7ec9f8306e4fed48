import { findHostIdentity, routeTo, type HostIdentity } from '../browser/dial';
import { openPages, type OpenPage } from '../browser/open-pages';
import { createSession } from '../commands/create-session';
import { drainWorker } from '../commands/drain-worker';
import { releaseAll } from '../commands/release-all';
import { releaseSession } from '../commands/release-session';
import { discardJob, retryJob } from '../commands/retry-job';
import { updateSession } from '../commands/update-session';
import { hostInUrl, isWildcard } from '../config/address';
import type { Config } from '../config/config';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { systemProcesses } from '../core/process-identity';
import { CLIENT_SILENCE, SILENCE_CHECK_MS } from '../core/silent-clients';
import { StalledReaders } from '../core/stalled-readers';
import { openDeps, type Deps } from '../deps';
import { startStepping } from '../../workers/stepping';
import { findBrowser, findDownloads } from '../engine/live-browser';
import { ApiMetrics } from '../metrics/api-metrics';
import { MirroredCounter } from '../metrics/metric-registry';
import { Authenticator } from '../http/edge/authenticator';
import { ClientHeartbeat } from '../http/gateway/client-heartbeat';
import { ClusterExporter } from '../http/cluster-exporter';
import { edgeGuard } from '../http/edge/edge-guard';
import { EventStreams } from '../http/streams/event-streams';
import { FileLinks } from '../contract/file-links';
import { Gateway } from '../http/gateway/gateway';
import { Listener } from '../http/edge/listener';
import { ROUTES } from '../http/mount';
import { Readiness } from '../http/readiness';
import { httpApp, type HttpParts } from '../http/server';
import type { JobRouteParts } from '../http/routes/jobs';
import { SessionViews } from '../contract/session-view';
import { SplicedClients } from '../http/gateway/spliced-clients';
import { awaitSession } from '../queries/await-session';
import { followSession } from '../queries/follow-session';
import { followTenant } from '../queries/follow-tenant';
import { getSession } from '../queries/get-session';
import { readFigures } from '../queries/installation-figures';
import { listSessions } from '../queries/list-sessions';
import { getCapacity, listWorkers } from '../queries/list-workers';
import { liveDetails, type LiveDetailsParts } from '../queries/live-details';
import { sessionHistory } from '../queries/session-history';
import { getQuarantined, listQuarantine } from '../queries/quarantined-jobs';
import { getUsage } from '../queries/usage';
import { ingressJobCheck, startIngress } from './ingress';
import { QueueDepths } from '../queue/queue-depths';
import { HealthStore } from '../store/health-store';

/** A running API. */
export interface Api {
  /** Its URL: the configured public URL, or host and port. */
  readonly url: string;
  /** Stops accepting, disconnects all clients and closes everything; no session is changed. */
  close(): Promise<void>;
}

/**
 * Starts the API process. It listens first, so that a port in use is reported at once and `/livez` answers, and
 * resolves once Redis is there and everything is served.
 *
 * @throws if the address cannot be listened on.
 */
export async function startApi(config: Config, redisUrl: string, log: Logger): Promise<Api> {
  const listener = new Listener();
  const port = await listener.listen(config.host, config.port);
  const url = config.publicUrl ?? `http://${hostInUrl(config.host)}:${port}`;
  if (config.publicUrl === null && isWildcard(config.host)) {
    log.warn({ url }, 'HOLDFAST_PUBLIC_URL is not set: websocketUrl in answers works on this machine only');
  }
  const deps = await openDeps(config, redisUrl, log);
  await startStepping(deps);
  const drain = await serve(deps, listener, url);
  return {
    url,
    close: async () => {
      drain();
      await deps.lifecycle.close();
    },
  };
}

/* Starts to serve everything; returns the function that begins the drain. */
async function serve(deps: Deps, listener: Listener, url: string): Promise<() => void> {
  const { config, lifecycle, log } = deps;
  const localHost = await findHostIdentity(systemProcesses);
  const draining = new AbortController();
  const guard = edgeGuard({
    host: config.host,
    publicUrl: config.publicUrl,
    hasApiKeys: config.apiKeys.length > 0,
  });
  const authenticator = new Authenticator(config.apiKeys);
  const readiness = new Readiness(deps);
  await readiness.start();
  lifecycle.defer('readiness', () => readiness.stop());
  const clients = carryClients(deps);
  lifecycle.defer('listener', () => listener.close());
  // Closed before the listener, which waits for every connection it has accepted.
  lifecycle.defer('spliced clients', () => clients.close());
  const stalledReaders = new StalledReaders(deps);
  const eventStreams = new EventStreams({ stalledReaders });
  const figures = figuresOf(deps, clients, eventStreams);
  const edge = { guard, authenticator, draining: draining.signal, stalledReaders, eventStreams, ...figures };
  const silentClients = new StalledReaders({ ...deps, rule: CLIENT_SILENCE, checkEveryMs: SILENCE_CHECK_MS });
  const gateway = new Gateway({ ...deps, ...edge, clients, silentClients, localHost });
  const offered = operations(deps, localHost, url);
  listener.serve(httpApp({ ...deps, ...edge, ...offered, readiness }), gateway.onUpgrade);
  await startIngress(deps, localHost, offered);
  log.info({ url }, 'serving');
  return () => {
    readiness.drain();
    draining.abort();
  };
}

/* The clients of the gateway and the heartbeat that counts them. */
function carryClients(deps: Deps): SplicedClients {
  const { lifecycle } = deps;
  const clients = new SplicedClients({ ...deps, onChange: () => heartbeat.soon() });
  const heartbeat = new ClientHeartbeat({ ...deps, clients: () => clients.counts() });
  heartbeat.start();
  lifecycle.defer('client heartbeat', () => heartbeat.stop());
  return clients;
}

type Figures = Pick<HttpParts, 'apiMetrics' | 'cluster' | 'observeClients'>;

/* The figures that only this process exports. */
function figuresOf(deps: Deps, clients: SplicedClients, eventStreams: EventStreams): Figures {
  const { metrics, redis, maintenance, closing } = deps;
  const apiMetrics = new ApiMetrics(metrics.registry, ROUTES);
  const health = new HealthStore(redis, maintenance, closing);
  const figures = readFigures({ ...deps, health, queueDepths: new QueueDepths(redis) });
  const fromClient = new MirroredCounter(apiMetrics.cdpBytes, { direction: 'from_client' });
  const toClient = new MirroredCounter(apiMetrics.cdpBytes, { direction: 'to_client' });
  return {
    apiMetrics,
    cluster: new ClusterExporter({ ...deps, readFigures: figures }),
    observeClients: () => {
      apiMetrics.cdpConnections.set({}, clients.size);
      apiMetrics.eventStreams.set({}, eventStreams.size);
      fromClient.update(clients.bytes.fromClient);
      toClient.update(clients.bytes.toClient);
    },
  };
}

type Operations = Omit<
  HttpParts,
  | keyof Deps
  | keyof Figures
  | 'guard'
  | 'authenticator'
  | 'draining'
  | 'readiness'
  | 'stalledReaders'
  | 'eventStreams'
>;

/* The commands and queries behind the routes. */
function operations(deps: Deps, localHost: HostIdentity, url: string): Operations {
  const { config, index, eventLog } = deps;
  const get = getSession(deps);
  const release = releaseSession(deps);
  const parts: Operations = {
    createSession: createSession({ ...deps, retentionMs: config.retentionMs }),
    releaseSession: release,
    updateSession: updateSession(deps),
    findBrowser: findBrowser({ ...deps, localHost }),
    findDownloads: findDownloads({ ...deps, localHost }),
    releaseAll: releaseAll({ index, releaseSession: release }),
    getSession: get,
    awaitSession: awaitSession({ ...deps, getSession: get }),
    listSessions: listSessions(deps),
    liveDetails: liveDetails({ ...deps, getSession: get, openPages: pagesOf(deps, localHost) }),
    sessionHistory: sessionHistory(eventLog),
    followSession: followSession(deps),
    followTenant: followTenant(deps),
    listWorkers: listWorkers(deps),
    drainWorker: drainWorker(deps.workers),
    getCapacity: getCapacity(deps),
    getUsage: getUsage(deps.usage),
    views: new SessionViews(url, deps.secret),
    fileLinks: new FileLinks(url, deps.secret),
    ...jobOperations(deps),
    policy: config,
    publicUrl: config.publicUrl,
    countSessions: async () => index.counts(),
  };
  return parts;
}

/* Commands and queries for quarantined jobs. */
function jobOperations({ config, quarantine, producer }: Deps): JobRouteParts {
  const seen = { quarantine, ingressTenant: config.ingressTenant };
  const retrying = {
    ...seen,
    producer,
    getQuarantined: getQuarantined(seen),
    checkIngressJob: ingressJobCheck(config),
  };
  return {
    listQuarantine: listQuarantine(seen),
    getQuarantined: retrying.getQuarantined,
    retryJob: retryJob(retrying),
    discardJob: discardJob(retrying),
  };
}

/* Pages are optional: if the browser cannot be asked, the other details are answered without them. */
function pagesOf({ secret, log }: Deps, localHost: HostIdentity): LiveDetailsParts['openPages'] {
  return async ({ ref, snapshot }): Promise<readonly OpenPage[] | null> => {
    const { endpoint, owner } = snapshot.context;
    if (endpoint === null || owner === null) return null;
    const route = routeTo({ endpoint, claimId: owner.fence.claimId }, localHost, secret);
    if (route === null) return null;
    try {
      return await openPages(route);
    } catch (error) {
      log.debug({ session: ref, reason: messageOf(error) }, 'the pages of the browser could not be read');
      return null;
    }
  };
}
