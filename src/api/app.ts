import { findHere, routeTo, type Here } from '../browser/dial';
import { openPages, type OpenPage } from '../browser/open-pages';
import { createSession } from '../commands/create-session';
import { drainWorker } from '../commands/drain-worker';
import { releaseAll } from '../commands/release-all';
import { releaseSession } from '../commands/release-session';
import { updateSession } from '../commands/update-session';
import type { Config } from '../config/config';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { systemProcesses } from '../core/process-identity';
import { openDeps, startStepping, type Deps } from '../deps';
import { findBrowser, findDownloads } from '../engine/live-browser';
import { Authenticator } from '../http/authenticator';
import { ClientHeartbeat } from '../http/client-heartbeat';
import { edgeGuard } from '../http/edge-guard';
import { EventStreams } from '../http/event-streams';
import { Gateway } from '../http/gateway';
import { Listener } from '../http/listener';
import { Readiness } from '../http/readiness';
import { httpApp, type HttpParts } from '../http/server';
import { SessionViews } from '../http/session-view';
import { SplicedClients } from '../http/spliced-clients';
import { StalledReaders } from '../http/stalled-readers';
import { awaitSession } from '../queries/await-session';
import { followSession } from '../queries/follow-session';
import { followTenant } from '../queries/follow-tenant';
import { getSession } from '../queries/get-session';
import { listSessions } from '../queries/list-sessions';
import { getCapacity, listWorkers } from '../queries/list-workers';
import { liveDetails, type LiveDetailsParts } from '../queries/live-details';
import { sessionHistory } from '../queries/session-history';
import { getUsage } from '../queries/usage';

/** A running API. */
export interface Api {
  /** Where it is reached: the configured public URL, or host and port. */
  readonly url: string;
  /** Stops accepting, lets go of everybody and closes everything; no session is touched. */
  close(): Promise<void>;
}

/**
 * Starts the API process. It listens first, so that a taken port is known at once and `/livez` answers, and resolves once
 * Redis is there and everything is served.
 *
 * @throws if the address cannot be listened on.
 */
export async function startApi(config: Config, redisUrl: string, log: Logger): Promise<Api> {
  const listener = new Listener();
  const port = await listener.listen(config.host, config.port);
  const url = config.publicUrl ?? `http://${hostInUrl(config.host)}:${port}`;
  if (config.publicUrl === null && isWildcard(config.host)) {
    log.warn({ url }, 'HOLDFAST_PUBLIC_URL is not set: websocketUrl in answers leads to this machine only');
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

/* Puts everything behind the listener; answers what begins the drain. */
async function serve(deps: Deps, listener: Listener, url: string): Promise<() => void> {
  const { config, lifecycle, log } = deps;
  const here = await findHere(systemProcesses);
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
  const edge = { guard, authenticator, draining: draining.signal };
  const gateway = new Gateway({ ...deps, ...edge, clients, here });
  listener.serve(httpApp({ ...deps, ...edge, ...operations(deps, here, url), readiness }), gateway.onUpgrade);
  log.info({ url }, 'serving');
  return () => {
    readiness.drain();
    draining.abort();
  };
}

/* The clients of the gateway and the heartbeat that counts them. */
function carryClients(deps: Deps): SplicedClients {
  const { lifecycle, metrics } = deps;
  const onChange = (): void => {
    metrics.cdpConnections.set(clients.size);
    heartbeat.soon();
  };
  const clients = new SplicedClients({ ...deps, onChange });
  const heartbeat = new ClientHeartbeat({ ...deps, clients: () => clients.counts() });
  heartbeat.start();
  lifecycle.defer('client heartbeat', () => heartbeat.stop());
  return clients;
}

type Operations = Omit<HttpParts, keyof Deps | 'guard' | 'authenticator' | 'draining' | 'readiness'>;

/* The commands and queries behind the routes. */
function operations(deps: Deps, here: Here, url: string): Operations {
  const { config, index } = deps;
  const get = getSession(deps);
  const release = releaseSession(deps);
  const parts: Operations = {
    createSession: createSession({ ...deps, retentionMs: config.retentionMs }),
    releaseSession: release,
    updateSession: updateSession(deps),
    findBrowser: findBrowser({ ...deps, here }),
    findDownloads: findDownloads({ ...deps, here }),
    releaseAll: releaseAll({ index, releaseSession: release }),
    getSession: get,
    awaitSession: awaitSession({ ...deps, getSession: get }),
    listSessions: listSessions(deps),
    liveDetails: liveDetails({ ...deps, getSession: get, openPages: pagesOf(deps, here) }),
    sessionHistory: sessionHistory(index),
    followSession: followSession(deps),
    followTenant: followTenant(deps),
    eventStreams: new EventStreams({ stalledReaders: new StalledReaders(deps) }),
    listWorkers: listWorkers(deps),
    drainWorker: drainWorker(deps.workers),
    getCapacity: getCapacity(deps),
    getUsage: getUsage(deps.usage),
    views: new SessionViews(url, deps.secret),
    policy: config,
    counts: () => index.counts(),
  };
  return parts;
}

/* Pages are told as far as they can be had: who asks for the rest of the details gets it without them. */
function pagesOf({ secret, log }: Deps, here: Here): LiveDetailsParts['openPages'] {
  return async ({ ref, snapshot }): Promise<readonly OpenPage[] | null> => {
    const { endpoint, owner } = snapshot.context;
    if (endpoint === null || owner === null) return null;
    const route = routeTo({ endpoint, claimId: owner.fence.claimId }, here, secret);
    if (route === null) return null;
    try {
      return await openPages(route);
    } catch (error) {
      log.debug({ session: ref, reason: messageOf(error) }, 'the browser did not list its pages');
      return null;
    }
  };
}

/** The host as it stands in a URL; of all addresses, the one that certainly leads to us. */
function hostInUrl(host: string): string {
  if (isWildcard(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';
