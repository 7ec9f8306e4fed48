import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { EgressGuard } from '../../egress/egress-guard';
import type { Target } from '../../egress/egress-policy';
import { openTunnel, reasonOf } from './tunnel';
import { RouteError } from './target';

/**
 * A connection straight to a target, if the guard lets it go there.
 *
 * @throws EgressRefused; RouteError if there is no connection.
 */
export function directTunnel(target: Target, guard: EgressGuard): Promise<Socket> {
  const { host } = target;
  return openTunnel(
    host,
    signal => connectTo(target, guard, signal),
    error => unreachable(host, error),
  );
}

/** What the error of a connection means. */
export function unreachable(what: string, error: unknown): RouteError {
  return new RouteError(`${what} cannot be reached: ${reasonOf(error)}`, error);
}

async function connectTo(target: Target, guard: EgressGuard, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ ...guard.dial(target), allowHalfOpen: true, noDelay: true });
  // The first error ends the wait below; a later one is followed by `close`.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
