import { findHostIdentity } from '../browser/dial';
import { hostInUrl, isWildcard } from '../config/address';
import type { Config } from '../config/config';
import { caFile } from '../config/data-dir';
import type { Service } from '../contract/service';
import type { Logger } from '../core/logger';
import { systemProcesses } from '../core/process-identity';
import { sessionBrowserTest } from '../core/session-browser';
import { StalledReaders } from '../core/stalled-readers';
import { openDeps, type Deps } from '../deps';
import { startStepping } from '../../workers/stepping';
import { FailedKeys } from '../engine/failed-keys';
import { KeyRing } from '../engine/key-ring';
import { QuotaPlaces } from '../engine/quota-places';
import { ClusterExporter } from '../http/cluster-exporter';
import type { Dialect } from '../http/dialects/dialect';
import { dialects } from '../http/dialects/dialects';
import { dialectRoutes } from '../http/dialects/router';
import { Authenticator } from '../http/edge/authenticator';
import { edgeGuard } from '../http/edge/edge-guard';
import { Listener } from '../http/edge/listener';
import { openAccess } from '../http/edge/open-access';
import { ClientHeartbeat } from '../http/gateway/client-heartbeat';
import { ClientPresence } from '../http/gateway/client-presence';
import { connectToCreate } from '../http/gateway/connect-to-create';
import { SplicedClients } from '../http/gateway/spliced-clients';
import { ROUTES } from '../http/mount';
import { Readiness } from '../http/readiness';
import { EventStreams } from '../http/streams/event-streams';
import { ApiMetrics } from '../metrics/api-metrics';
import { MirroredCounter } from '../metrics/metric-registry';
import { readFigures } from '../queries/installation-figures';
import { QueueDepths } from '../queue/queue-depths';
import { HealthStore } from '../store/health-store';
import { PlaceStore, type PlaceQuota } from '../store/place-store';
import { serveFront, serviceAt, type Front, type Shared } from './front';
import { startIngress } from './ingress';
import { makeService } from './make-service';
import { openTlsFront } from './tls-front';

/** A running API. */
export interface Api {
  /** Its URL: the configured public URL, or host and port. */
  readonly url: string;
  /** Where it speaks TLS, `https://host:port`; null: nowhere. */
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
  const tls = await openTlsFront(config).catch(async (error: unknown) => {
    await listener.close();
    throw error;
  });
  const { host, publicUrl, apiKeys } = config;
  const guard = edgeGuard({ host, publicUrl, hasApiKeys: apiKeys.length > 0, scheme: 'http' });
  const url = config.publicUrl ?? `http://${hostInUrl(config.host)}:${port}`;
  if (config.publicUrl === null && isWildcard(config.host)) {
    log.warn({ url }, 'HOLDFAST_PUBLIC_URL is not set: websocketUrl in answers works on this machine only');
  }
  if (publicUrl === null && tls !== null && isWildcard(config.tls?.host ?? '')) {
    log.warn(
      { url: tls.url },
      'HOLDFAST_PUBLIC_URL is not set: URLs in answers over TLS work on this machine only',
    );
  }
  const deps = await openDeps(config, redisUrl, log);
  await deps.notices.start();
  await startStepping(deps);
  const drain = await serve(deps, { plain: { listener, guard, url }, tls });
  return {
    url,
    tlsUrl: tls?.origin ?? null,
    close: async () => {
      drain();
      await deps.lifecycle.close();
    },
  };
}

/** What listens. */
interface Fronts {
  readonly plain: Front;
  readonly tls: Front | null;
}

/* Starts to serve everything; returns the function that begins the drain. */
async function serve(deps: Deps, { plain, tls }: Fronts): Promise<() => void> {
  const { config, lifecycle, log, secret } = deps;
  const localHost = await findHostIdentity(systemProcesses);
  const draining = new AbortController();
  const keyRing = new KeyRing(deps);
  await keyRing.start();
  lifecycle.defer('keys', () => keyRing.stop());
  const access = openAccess(await sessionBrowserTest(config.keeper.browserUids));
  const authenticator = new Authenticator(config.apiKeys, keyRing, access, new FailedKeys(deps));
  const readiness = new Readiness(deps);
  await readiness.start();
  lifecycle.defer('readiness', () => readiness.stop());
  // Before the listeners: what they carry gives its places back as they close.
  const [sockets, streams] = [placesOf(deps, 'sockets'), placesOf(deps, 'streams')];
  const clients = carryClients(deps);
  // At once: each may wait for its last answers.
  lifecycle.defer('listeners', async () => {
    await Promise.all([plain.listener.close(), tls?.listener.close()]);
  });
  // Closed before the listeners, which wait for every connection they have accepted.
  lifecycle.defer('spliced clients', () => clients.close());
  const presence = new ClientPresence(deps);
  lifecycle.defer('client presence', () => presence.stop());
  const service = makeService(deps, localHost, plain.url, keyRing);
  const spokenAt = (at: Service, url: string): readonly Dialect[] =>
    dialects({
      ...{ service: at, authenticator, url, secret },
      connectToCreate: connectToCreate({ service: at, presence, sockets, log }),
    });
  const spoken = spokenAt(service, plain.url);
  const edge = { authenticator, draining: draining.signal, readiness, clients, sockets, presence, localHost };
  const shared = { ...edge, ...figures(deps, clients, streams, spoken) };
  serveFront(plain, deps, shared, { service, dialects: spoken.filter(({ isOnTls }) => isOnTls !== true) });
  if (tls !== null) {
    const secure = serviceAt(service, tls.url, secret);
    const others = spokenAt(secure, tls.url).filter(({ isOnTls }) => isOnTls !== true);
    // Their clients may trust a certificate of ours only for their own calls, so they are led where all others are.
    const own = spoken.filter(({ isOnTls }) => isOnTls === true);
    serveFront(tls, deps, shared, { service: secure, dialects: [...own, ...others] });
    const trusted = config.tls?.files === null ? { caFile: caFile(config.dataDir) } : {};
    log.info({ url: tls.url, ...trusted }, 'serving with TLS');
  }
  await startIngress(deps, service);
  log.info({ url: plain.url }, 'serving');
  return () => {
    readiness.drain();
    draining.abort();
  };
}

/* The metrics of this process, and what they are made from. */
function figures(
  deps: Deps,
  clients: SplicedClients,
  quota: QuotaPlaces,
  spoken: readonly Dialect[],
): Pick<Shared, 'apiMetrics' | 'stalledReaders' | 'eventStreams' | 'cluster' | 'observeClients'> {
  const { clock } = deps;
  const apiMetrics = new ApiMetrics(deps.metrics.registry, [...ROUTES, ...spoken.flatMap(dialectRoutes)]);
  const stalledReaders = new StalledReaders({ clock });
  const eventStreams = new EventStreams({ stalledReaders, quota });
  const observeClients = clientFigures(apiMetrics, clients, eventStreams);
  return { apiMetrics, stalledReaders, eventStreams, cluster: clusterExporter(deps), observeClients };
}

/* A quota of connections, which holds for all API processes together. */
function placesOf(deps: Deps, quota: PlaceQuota): QuotaPlaces {
  const { lifecycle, scripts, processId, config, report, log } = deps;
  const { quotas } = config;
  const places = new QuotaPlaces({
    quota,
    quotas,
    places: new PlaceStore(scripts),
    processId,
    report,
    log,
  });
  places.start();
  lifecycle.defer(`quota of ${quota}`, () => places.stop());
  return places;
}

/* The clients of the gateway and the heartbeat that counts them. */
function carryClients(deps: Deps): SplicedClients {
  const { lifecycle, notices, sessions, processId, activity, maintenance, log } = deps;
  const clients = new SplicedClients({ notices, sessions, log, onChange: () => heartbeat.soon() });
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
  const read = readFigures({ workers, maintenance, index, contextIndex, health, queueDepths });
  return new ClusterExporter({ metrics, readFigures: read, clock, log });
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
