import type { Express } from 'express';
import type { HostIdentity } from '../browser/dial';
import { FileLinks } from '../contract/file-links';
import type { Service } from '../contract/service';
import { SessionViews } from '../contract/session-view';
import { CLIENT_SILENCE, SILENCE_CHECK_MS } from '../core/silent-clients';
import { StalledReaders } from '../core/stalled-readers';
import type { Deps } from '../deps';
import type { QuotaPlaces } from '../engine/quota-places';
import type { ClusterExporter } from '../http/cluster-exporter';
import type { Dialect } from '../http/dialects/dialect';
import type { Authenticator } from '../http/edge/authenticator';
import type { EdgeGuard } from '../http/edge/edge-guard';
import type { Listener } from '../http/edge/listener';
import type { ClientPresence } from '../http/gateway/client-presence';
import { Gateway } from '../http/gateway/gateway';
import { sessionDoor } from '../http/gateway/session-door';
import type { SplicedClients } from '../http/gateway/spliced-clients';
import type { Readiness } from '../http/readiness';
import { httpApp } from '../http/server';
import type { EventStreams } from '../http/streams/event-streams';
import type { ApiMetrics } from '../metrics/api-metrics';

/** One listener of the API, before there is a service behind it. */
export interface Front {
  readonly listener: Listener;
  /** What its requests and WebSockets pass first. */
  readonly guard: EdgeGuard;
  /** Where its clients reach it: the start of the URLs in its answers. */
  readonly url: string;
}

/** What all listeners of a process share. */
export interface Shared {
  readonly authenticator: Authenticator;
  /** Aborted when this process shuts down. */
  readonly draining: AbortSignal;
  readonly readiness: Readiness;
  readonly clients: SplicedClients;
  /** The quota of sockets. */
  readonly sockets: QuotaPlaces;
  readonly presence: ClientPresence;
  readonly stalledReaders: StalledReaders;
  readonly eventStreams: EventStreams;
  readonly apiMetrics: ApiMetrics;
  readonly cluster: ClusterExporter;
  /** Brings the figures of the clients of this process up to date. */
  readonly observeClients: () => void;
  readonly localHost: HostIdentity;
}

/** The same service with answers that lead to another URL. */
export const serviceAt = (service: Service, url: string, secret: string): Service => ({
  ...service,
  views: new SessionViews(url, secret),
  fileLinks: new FileLinks(url, secret),
});

/** Serves everything on a listener: REST, pages, the dialects and WebSockets. */
export function serveFront(
  { listener, guard }: Front,
  deps: Deps,
  shared: Shared,
  what: { readonly service: Service; readonly dialects: readonly Dialect[] },
): void {
  const app = appOf(deps, shared, { ...what, guard });
  listener.serve(app, gatewayOf(deps, shared, { ...what, guard }).onUpgrade);
}

interface Served {
  readonly service: Service;
  readonly dialects: readonly Dialect[];
  readonly guard: EdgeGuard;
}

function appOf(deps: Deps, shared: Shared, served: Served): Express {
  const { config, metrics, files, maintenance, producer, secret, clock, log } = deps;
  return httpApp({
    ...shared,
    ...served,
    ...{ metrics, files, maintenance, producer, secret, clock, log },
    publicUrl: config.publicUrl,
  });
}

function gatewayOf(deps: Deps, shared: Shared, { guard, dialects }: Served): Gateway {
  const { sessions, activity, secret, clock, log } = deps;
  const { authenticator, draining, clients, sockets, presence, apiMetrics, localHost } = shared;
  const native = sessionDoor({ authenticator, secret });
  return new Gateway({
    ...{ guard, draining, sessions, activity, presence, clients, sockets, apiMetrics, localHost },
    ...{ secret, clock, log },
    doors: [native, ...dialects.flatMap(({ doors }) => doors)],
    silentClients: new StalledReaders({ clock, rule: CLIENT_SILENCE, checkEveryMs: SILENCE_CHECK_MS }),
  });
}
