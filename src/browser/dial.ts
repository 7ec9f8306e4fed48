import { connect, type Socket } from 'node:net';
import { WebSocket, type ClientOptions } from 'ws';
import type { Endpoint } from '../../machines/session/session.types';
import { withoutBrackets } from '../config/address';
import { ServiceError } from '../core/errors';
import { KEEPER_CALL_HEADER, keeperPath, type CallPurpose } from '../core/keeper-ticket';
import type { ProcessTable } from '../core/process-identity';

/** A connection that is not accepted within this time never will be: the target is on this machine or near it. */
const CONNECT_TIMEOUT_MS = 2_000;

/** The location of a process: two processes share a loopback only if both members are equal. */
export interface HostIdentity {
  readonly bootId: string;
  readonly netns: string;
}

/** The browser to reach. */
export interface DialTarget {
  readonly endpoint: Endpoint;
  /** The claim the browser was launched or adopted under; a keeper's gateway asks for it. */
  readonly claimId: string;
  /** Which part of it; default: the browser's own WebSocket. */
  readonly part?: DevToolsPart | undefined;
}

/**
 * Other parts of a browser's DevTools server than its own WebSocket, by path: a page's WebSocket, or a JSON endpoint.
 */
export type DevToolsPart = `/devtools/page/${string}` | `/json/${JsonEndpoint}`;

/** The JSON endpoints of the DevTools server. */
export type JsonEndpoint = 'version' | 'list' | 'protocol';

/** Where a socket connects to. */
export type SocketAddress =
  { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** How to reach a browser's DevTools socket from here. */
export type Route = SocketAddress & {
  /** Path and query of the upgrade request. */
  readonly path: string;
  /** Whether the route leads to the browser itself and not to a keeper's gateway. */
  readonly direct: boolean;
  /** What a call is for; default: to use the browser. */
  readonly purpose?: CallPurpose;
};

/** The way to a browser from this process. @throws ServiceError `browser_unreachable` */
export type RouteOf = (target: DialTarget) => Route;

/** A connected socket, and the route it was opened for. */
export type Dialled = Route & { readonly socket: Socket };

/** The location of this process. */
export async function findHostIdentity(table: ProcessTable): Promise<HostIdentity> {
  const [bootId, netns] = await Promise.all([table.bootId(), table.networkNamespace()]);
  return { bootId, netns };
}

/**
 * The route to a browser: over loopback or its own socket on its machine; through its keeper's gateway from any other,
 * and to one that may sleep; null if there is none.
 *
 * @param secret - the installation's secret; signs the ticket for the keeper
 */
export function routeTo(
  { endpoint, claimId, part }: DialTarget,
  localHost: HostIdentity,
  secret: string,
): Route | null {
  if (endpoint.bootId === localHost.bootId && endpoint.netns === localHost.netns) {
    return { host: '127.0.0.1', port: endpoint.port, path: part ?? endpoint.path, direct: true };
  }
  const { devToolsSocket: socketPath } = endpoint;
  if (socketPath !== undefined && isWithKeeper(endpoint, localHost))
    return { socketPath, path: part ?? endpoint.path, direct: true };
  const keeper = keeperOf(endpoint, localHost);
  return keeper === null ? null : { ...keeper, path: keeperPath(secret, claimId, part), direct: false };
}

/**
 * The same where there has to be one.
 *
 * @throws ServiceError `browser_unreachable`
 */
export function requireRoute(target: DialTarget, localHost: HostIdentity, secret: string): Route {
  const route = routeTo(target, localHost, secret);
  if (route !== null) return route;
  throw new ServiceError(
    'browser_unreachable',
    'The browser runs on another machine whose keeper has no gateway (HOLDFAST_KEEPER_LISTEN).',
  );
}

/**
 * The address of the gateway of a browser's keeper: its Unix socket on its own machine, its port from any other; null
 * if there is neither.
 */
export function keeperOf(endpoint: Endpoint, localHost: HostIdentity): SocketAddress | null {
  if (endpoint.gatewaySocket !== null && isWithKeeper(endpoint, localHost))
    return { socketPath: endpoint.gatewaySocket };
  return endpoint.gateway === null ? null : addressOf(endpoint.gateway);
}

/* Whether this process is where the browser's keeper is, see `Endpoint.netns`. */
function isWithKeeper({ bootId, netns }: Endpoint, localHost: HostIdentity): boolean {
  return bootId === localHost.bootId && netns.split('/', 1)[0] === localHost.netns;
}

/** The value of the header `Host` on a route: Chromium accepts only an IP address or `localhost`. */
export function hostHeaderOf(route: Route): string {
  return 'host' in route ? hostAndPort(route) : 'localhost';
}

/** Host and port as URLs have them. */
function hostAndPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Opens a WebSocket along a route for a call of the service itself; its options are those of `ws`. */
export function openWebSocket(route: Route, given: ClientOptions): WebSocket {
  const options = route.direct
    ? given
    : { ...given, headers: { [KEEPER_CALL_HEADER]: route.purpose ?? 'use' } };
  const address = `ws://${hostHeaderOf(route)}${route.path}`;
  if ('host' in route) return new WebSocket(address, options);
  return new WebSocket(address, { ...options, createConnection: () => connect(route.socketPath) });
}

function addressOf(gateway: string): { host: string; port: number } {
  const colon = gateway.lastIndexOf(':');
  return {
    host: withoutBrackets(gateway.slice(0, colon)),
    port: Number(gateway.slice(colon + 1)),
  };
}

/** Whose files, and at which keeper. */
export interface KeeperRoute {
  readonly keeper: SocketAddress;
  readonly claimId: string;
  /** The installation's secret; signs the ticket. */
  readonly secret: string;
}

/**
 * Opens a connection to a browser.
 *
 * @throws ServiceError `browser_unreachable` if there is no route, or the connection is refused.
 */
export async function dial(
  target: DialTarget,
  localHost: HostIdentity,
  secret: string,
  signal?: AbortSignal,
): Promise<Dialled> {
  const route = requireRoute(target, localHost, secret);
  return { ...route, socket: await open(route, signal) };
}

async function open(route: Route, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // The signal is for the attempt only: `connect` itself would keep it and cut the connection when it is aborted
    // later.
    const socket = 'host' in route ? connect(route.port, route.host) : connect(route.socketPath);
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', fail);
    };
    const fail = (cause: unknown): void => {
      settle();
      socket.destroy();
      reject(new ServiceError('browser_unreachable', 'The browser does not answer.', { cause }));
    };
    const onAbort = (): void => fail(signal?.reason);
    const timer = setTimeout(
      () => fail(new Error(`no answer in ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    );
    signal?.addEventListener('abort', onAbort);
    socket.once('error', fail);
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
    if (signal?.aborted === true) onAbort();
  });
}
