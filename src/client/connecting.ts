import { abortable } from './cancellation';
import { isEnded, idOf, type Session, type SessionOrId } from './session';
import type { Sessions } from './sessions';
import { endedError } from './waiting';

/** How a library connects and disconnects. */
export interface Connector<Connection> {
  connect(websocketUrl: string): Promise<Connection>;
  /** Closes a connection that came too late; the browser keeps running. */
  disconnect(connection: Connection): unknown;
}

/**
 * Connects to a session. Waits for a session that is not live yet; if only the id is known, reads the session first.
 *
 * @throws SessionEndedError if it has ended, instead of the library's own error.
 */
export async function connectTo<Connection>(
  sessions: Sessions,
  target: SessionOrId,
  signal: AbortSignal | undefined,
  connector: Connector<Connection>,
): Promise<Connection> {
  const websocketUrl = await endpointOf(sessions, target, signal);
  try {
    return await abortable(connector.connect(websocketUrl), signal, late => connector.disconnect(late));
  } catch (error) {
    signal?.throwIfAborted();
    throw (await howItEnded(sessions, target, error)) ?? error;
  }
}

async function endpointOf(
  sessions: Sessions,
  target: SessionOrId,
  signal: AbortSignal | undefined,
): Promise<string> {
  const known = typeof target === 'object' && 'websocketUrl' in target ? target.websocketUrl : null;
  if (typeof known === 'string') return known;
  const { websocketUrl } = await sessions.waitFor(target, 'live', { signal });
  return websocketUrl;
}

async function howItEnded(sessions: Sessions, target: SessionOrId, cause: unknown): Promise<Error | null> {
  // If the session cannot be read, the caller gets the library's error.
  const session: Session | null = await sessions.retrieve(idOf(target)).catch(() => null);
  return session !== null && isEnded(session)
    ? endedError(session, 'it cannot be connected to', { cause })
    : null;
}
