import type { Duplex } from 'node:stream';
import { messageOf } from '../../../../src/core/errors';
import { withDeadline } from '../../../../src/core/abort';
import { EgressRefused } from '../../egress/egress-guard';
import { RouteError, TUNNEL_TIMEOUT_MS } from './target';

/**
 * Waits for the connection of a tunnel.
 *
 * @param connect - its signal is aborted when nobody waits any more
 */
export async function openTunnel<Tunnel extends Duplex>(
  what: string,
  connect: (signal: AbortSignal) => Promise<Tunnel>,
  explain: (error: unknown) => RouteError,
): Promise<Tunnel> {
  const over = new AbortController();
  const tunnel = connect(over.signal);
  try {
    return await withDeadline(what, TUNNEL_TIMEOUT_MS, tunnel);
  } catch (error) {
    over.abort();
    // Destroys a connection that opened after the time-out.
    tunnel.then(
      socket => socket.destroy(),
      () => undefined, // reported below
    );
    throw error instanceof EgressRefused || error instanceof RouteError ? error : explain(error);
  }
}

/** The message of an error; of several at once (one for each address of a name), all of theirs. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(messageOf))].join(', ');
  return messageOf(error);
}
