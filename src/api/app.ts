import type { Express } from 'express';
import { findHostIdentity, type HostIdentity } from '../browser/dial';
import { hostInUrl, isWildcard } from '../config/address';
import type { Config } from '../config/config';
import type { Service } from '../contract/service';
import type { Logger } from '../core/logger';
import { systemProcesses } from '../core/process-identity';
import { CLIENT_SILENCE, SILENCE_CHECK_MS } from '../core/silent-clients';
import { StalledReaders } from '../core/stalled-readers';
import { openDeps, type Deps } from '../deps';
import { startStepping } from '../../workers/stepping';
import { ApiMetrics } from '../metrics/api-metrics';
import { MirroredCounter } from '../metrics/metric-registry';
import { Authenticator } from '../http/edge/authenticator';
import { ClientPresence } from '../http/gateway/client-presence';
import { connectToCreate } from '../http/gateway/connect-to-create';
import { ClientHeartbeat } from '../http/gateway/client-heartbeat';
import type { Dialect } from '../http/dialects/dialect';
import { dialects } from '../http/dialects/dialects';
import { dialectRoutes } from '../http/dialects/router';
import { ClusterExporter } from '../http/cluster-exporter';
import { sessionBrowserTest } from '../core/session-browser';
import { openAccess } from '../http/edge/open-access';
import { edgeGuard, type EdgeGuard } from '../http/edge/edge-guard';
import { EventStreams } from '../http/streams/event-streams';
import { Gateway } from '../http/gateway/gateway';
import { Listener } from '../http/edge/listener';
import { ROUTES } from '../http/mount';
import { Readiness } from '../http/readiness';
import { sessionDoor } from '../http/gateway/session-door';
import { httpApp } from '../http/server';
import { SplicedClients } from '../http/gateway/spliced-clients';
import { KeyRing } from '../engine/key-ring';
import { readFigures } from '../queries/installation-figures';
import { startIngress } from './ingress';
import { makeService } from './make-service';
import { openTlsFront, serveTls, type TlsFront } from './tls-front';
import { QueueDepths } from '../queue/queue-depths';
import { HealthStore } from '../store/health-store';

/** A running API. */
export interface Api {
  /** Its URL: the configured public URL, or host and port. */
  readonly url: string;
  /** Where dialects are whose clients speak TLS only; null: nowhere. */
  readonly tlsUrl: string | null;
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
  const tlsFront = await openTlsFront(config).catch(async (error: unknown) => {
    await listener.close();
    throw error;
  });
  const url = config.publicUrl ?? `http://${hostInUrl(config.host)}:${port}`;
  if (config.publicUrl === null && isWildcard(config.host)) {
    log.warn({ url }, 'HOLDFAST_PUBLIC_URL is not set: websocketUrl in answers works on this machine only');
  }
  const deps = await openDeps(config, redisUrl, log);
  await startStepping(deps);
  const drain = await serve(deps, { listener, tlsFront }, url);
  return {
    url,
    tlsUrl: tlsFront?.url ?? null,
    close: async () => {
      drain();
      await deps.lifecycle.close();
    },
  };
}

/** What listens. */
interface Fronts {
  readonly listener: Listener;
  readonly tlsFront: TlsFront | null;
}

/* Starts to serve everything; returns the function that begins the drain. */
async function serve(deps: Deps, { listener, tlsFront }: Fronts, url: string): Promise<() => void> {
  const { config, lifecycle, log } = deps;
  const localHost = await findHostIdentity(systemProcesses);
  const draining = new AbortController();
  const keyRing = new KeyRing(deps);
  await keyRing.start();
  lifecycle.defer('keys', () => keyRing.stop());
  const edge = await edgeOf(config, keyRing, draining.signal);
  const readiness = new Readiness(deps);
  await readiness.start();
  lifecycle.defer('readiness', () => readiness.stop());
  const clients = carryClients(deps);
  // At once: each may wait for its last answers.
  lifecycle.defer('listeners', async () => {
    await Promise.all([listener.close(), tlsFront?.listener.close()]);
  });
  // Closed before the listener, which waits for every connection it has accepted.
  lifecycle.defer('spliced clients', () => clients.close());
  const service = makeService(deps, localHost, url, keyRing);
  const presence = new ClientPresence(deps);
  lifecycle.defer('client presence', () => presence.stop());
  const spoken = dialects({
    ...{ service, authenticator: edge.authenticator, url, secret: deps.secret },
    connectToCreate: connectToCreate({ service, presence, clients, log }),
  });
  const apiMetrics = new ApiMetrics(deps.metrics.registry, [...ROUTES, ...spoken.flatMap(dialectRoutes)]);
  const app = appOf(deps, { service, dialects: spoken, edge, readiness, clients, apiMetrics });
  const gateway = gatewayOf(deps, { dialects: spoken, edge, clients, presence, apiMetrics, localHost });
  listener.serve(app, gateway.onUpgrade);
  if (tlsFront !== null) serveTls(tlsFront, deps, { dialects: spoken, apiMetrics, ...edge });
  await startIngress(deps, service);
  log.info({ url }, 'serving');
  return () => {
    readiness.drain();
    draining.abort();
  };
}

/** What requests and WebSockets pass first. */
interface Edge {
  readonly guard: EdgeGuard;
  readonly authenticator: Authenticator;
  /** Aborted when this process shuts down. */
  readonly draining: AbortSignal;
}

async function edgeOf(
  { host, publicUrl, apiKeys, keeper: { browserUids } }: Config,
  keyRing: KeyRing,
  draining: AbortSignal,
): Promise<Edge> {
  const guard = edgeGuard({ host, publicUrl, hasApiKeys: apiKeys.length > 0 });
  const access = openAccess(await sessionBrowserTest(browserUids));
  return { guard, authenticator: new Authenticator(apiKeys, keyRing, access), draining };
}

/** What the HTTP side needs beside {@link Deps}. */
interface AppParts {
  readonly service: Service;
  readonly dialects: readonly Dialect[];
  readonly edge: Edge;
  readonly readiness: Readiness;
  readonly clients: SplicedClients;
  readonly apiMetrics: ApiMetrics;
}

function appOf(deps: Deps, { service, dialects, edge, readiness, clients, apiMetrics }: AppParts): Express {
  const stalledReaders = new StalledReaders({ clock: deps.clock });
  const eventStreams = new EventStreams({
    stalledReaders,
    quotas: deps.config.quotas,
    report: deps.report,
  });
  return httpApp({
    service,
    dialects,
    guard: edge.guard,
    authenticator: edge.authenticator,
    draining: edge.draining,
    readiness,
    stalledReaders,
    eventStreams,
    apiMetrics,
    metrics: deps.metrics,
    cluster: clusterExporter(deps),
    observeClients: clientFigures(apiMetrics, clients, eventStreams),
    files: deps.files,
    maintenance: deps.maintenance,
    producer: deps.producer,
    secret: deps.secret,
    publicUrl: deps.config.publicUrl,
    clock: deps.clock,
    log: deps.log,
  });
}

/** What the gateway needs beside {@link Deps}. */
interface GatewayNeeds {
  readonly dialects: readonly Dialect[];
  readonly edge: Edge;
  readonly clients: SplicedClients;
  readonly presence: ClientPresence;
  readonly apiMetrics: ApiMetrics;
  readonly localHost: HostIdentity;
}

function gatewayOf(deps: Deps, needs: GatewayNeeds): Gateway {
  const { dialects, edge, clients, presence, apiMetrics, localHost } = needs;
  const { clock } = deps;
  const native = sessionDoor({ authenticator: edge.authenticator, secret: deps.secret });
  return new Gateway({
    guard: edge.guard,
    doors: [native, ...dialects.flatMap(({ doors }) => doors)],
    draining: edge.draining,
    sessions: deps.sessions,
    activity: deps.activity,
    presence,
    clients,
    apiMetrics,
    silentClients: new StalledReaders({ clock, rule: CLIENT_SILENCE, checkEveryMs: SILENCE_CHECK_MS }),
    localHost,
    secret: deps.secret,
    clock,
    log: deps.log,
  });
}

/* The clients of the gateway and the heartbeat that counts them. */
function carryClients(deps: Deps): SplicedClients {
  const { lifecycle, notices, sessions, processId, activity, maintenance, report, log } = deps;
  const clients = new SplicedClients({
    ...{ notices, sessions, report, log },
    quotas: deps.config.quotas,
    onChange: () => heartbeat.soon(),
  });
  const heartbeat = new ClientHeartbeat({
    processId,
    activity,
    maintenance,
    clients: () => clients.counts(),
    log,
  });
  heartbeat.start();
  lifecycle.defer('client heartbeat', () => heartbeat.stop());
  return clients;
}

/* The figures of the whole installation, which any API process exports. */
function clusterExporter(deps: Deps): ClusterExporter {
  const { redis, metrics, workers, maintenance, index, contextIndex, closing, clock, log } = deps;
  const health = new HealthStore(redis, maintenance, closing);
  const queueDepths = new QueueDepths(redis);
  const figures = readFigures({ workers, maintenance, index, contextIndex, health, queueDepths });
  return new ClusterExporter({ metrics, readFigures: figures, clock, log });
}

/* Brings the figures of the clients of this process up to date. */
function clientFigures(apiMetrics: ApiMetrics, clients: SplicedClients, streams: EventStreams): () => void {
  const fromClient = new MirroredCounter(apiMetrics.cdpBytes, { direction: 'from_client' });
  const toClient = new MirroredCounter(apiMetrics.cdpBytes, { direction: 'to_client' });
  return () => {
    apiMetrics.cdpConnections.set({}, clients.size);
    apiMetrics.eventStreams.set({}, streams.size);
    fromClient.update(clients.bytes.fromClient);
    toClient.update(clients.bytes.toClient);
  };
}
