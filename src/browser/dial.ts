import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../machines/session/session.types';
import { HoldfastError } from '../core/errors';
import { keeperPath } from '../core/keeper-ticket';
import type { ProcessTable } from '../core/process-identity';

/** A connection that is not accepted within this time never will be: it goes to a neighbour, or to ourselves. */
const CONNECT_TIMEOUT_MS = 2_000;

/** Where a process is: two loopbacks are one only where both are equal. */
export interface Here {
  readonly bootId: string;
  readonly netns: string;
}

/** Which browser is to be reached. */
export interface DialTarget {
  readonly endpoint: Endpoint;
  /** The claim the browser was launched or adopted under; a keeper's gateway asks for it. */
  readonly claimId: string;
  /** What of it; default: the browser's own WebSocket. */
  readonly part?: DevToolsPart | undefined;
}

/** What a browser's DevTools server has beside the browser's own WebSocket, by path: a page's, or what it says over HTTP. */
export type DevToolsPart = `/devtools/page/${string}` | `/json/${JsonEndpoint}`;

/** What is said over HTTP. */
export type JsonEndpoint = 'version' | 'list' | 'protocol';

/** How to reach a browser's DevTools socket from here. */
export interface Route {
  readonly host: string;
  readonly port: number;
  /** Path and query of the upgrade request. */
  readonly path: string;
  /** Whether this is the browser itself and not a keeper in front of it. */
  readonly direct: boolean;
}

/** A connected socket, and what to ask for on it. */
export interface Dialled extends Route {
  readonly socket: Socket;
}

/** Where this process is. */
export async function findHere(table: ProcessTable): Promise<Here> {
  const [bootId, netns] = await Promise.all([table.bootId(), table.networkNamespace()]);
  return { bootId, netns };
}

/**
 * The way to a browser: over loopback on its own machine, through its keeper's gateway from any other; null if there is
 * neither.
 *
 * @param secret - the installation's; signs the ticket for the keeper
 */
export function routeTo({ endpoint, claimId, part }: DialTarget, here: Here, secret: string): Route | null {
  if (endpoint.bootId === here.bootId && endpoint.netns === here.netns) {
    return { host: '127.0.0.1', port: endpoint.port, path: part ?? endpoint.path, direct: true };
  }
  if (endpoint.gateway === null) return null;
  return { ...addressOf(endpoint.gateway), path: keeperPath(secret, claimId, part), direct: false };
}

/** How to reach the gateway of the keeper that a browser belongs to. */
export type KeeperAddress =
  { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** The way to a browser's keeper: its Unix socket on its own machine, its port from any other; null if there is neither. */
export function keeperOf(endpoint: Endpoint, here: Here): KeeperAddress | null {
  if (endpoint.gatewaySocket !== null && endpoint.bootId === here.bootId && endpoint.netns === here.netns) {
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

/**
 * Opens a connection to a browser.
 *
 * @throws HoldfastError `browser_unreachable` if there is no way, or nobody at its end.
 */
export async function dial(
  target: DialTarget,
  here: Here,
  secret: string,
  signal?: AbortSignal,
): Promise<Dialled> {
  const route = routeTo(target, here, secret);
  if (route === null) {
    throw new HoldfastError(
      'browser_unreachable',
      'The browser runs on another machine whose keeper has no gateway (HOLDFAST_KEEPER_LISTEN).',
    );
  }
  return { ...route, socket: await open(route, signal) };
}

async function open({ host, port }: Route, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // The signal ends the attempt only: `connect` would keep it, and cut the connection at an end much later.
    const socket = connect({ host, port });
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', fail);
    };
    const fail = (cause: unknown): void => {
      settle();
      socket.destroy();
      reject(new HoldfastError('browser_unreachable', 'The browser does not answer.', { cause }));
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
