import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../machines/session/session.types';
import { ServiceError } from '../core/errors';
import { keeperPath } from '../core/keeper-ticket';
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

/** How to reach a browser's DevTools socket from here. */
export interface Route {
  readonly host: string;
  readonly port: number;
  /** Path and query of the upgrade request. */
  readonly path: string;
  /** Whether the route leads to the browser itself and not to a keeper's gateway. */
  readonly direct: boolean;
}

/** A connected socket, and the route it was opened for. */
export interface Dialled extends Route {
  readonly socket: Socket;
}

/** The location of this process. */
export async function findHostIdentity(table: ProcessTable): Promise<HostIdentity> {
  const [bootId, netns] = await Promise.all([table.bootId(), table.networkNamespace()]);
  return { bootId, netns };
}

/**
 * The route to a browser: over loopback on its own machine, through its keeper's gateway from any other; null if there
 * is neither.
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
  if (endpoint.gateway === null) return null;
  return { ...addressOf(endpoint.gateway), path: keeperPath(secret, claimId, part), direct: false };
}

/** How to reach the gateway of the keeper that a browser belongs to. */
export type KeeperAddress =
  { readonly socketPath: string } | { readonly host: string; readonly port: number };

/**
 * The address of a browser's keeper: its Unix socket on its own machine, its port from any other; null if there is
 * neither.
 */
export function keeperOf(endpoint: Endpoint, localHost: HostIdentity): KeeperAddress | null {
  if (
    endpoint.gatewaySocket !== null &&
    endpoint.bootId === localHost.bootId &&
    endpoint.netns === localHost.netns
  ) {
    return { socketPath: endpoint.gatewaySocket };
  }
  return endpoint.gateway === null ? null : addressOf(endpoint.gateway);
}

function addressOf(gateway: string): { host: string; port: number } {
  const colon = gateway.lastIndexOf(':');
  return {
    host: gateway.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(gateway.slice(colon + 1)),
  };
}

/** Whose files, and at which keeper. */
export interface KeeperRoute {
  readonly keeper: KeeperAddress;
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
  const route = routeTo(target, localHost, secret);
  if (route === null) {
    throw new ServiceError(
      'browser_unreachable',
      'The browser runs on another machine whose keeper has no gateway (HOLDFAST_KEEPER_LISTEN).',
    );
  }
  return { ...route, socket: await open(route, signal) };
}

async function open({ host, port }: Route, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // The signal is for the attempt only: `connect` itself would keep it and cut the connection when it is aborted
    // later.
    const socket = connect({ host, port });
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
