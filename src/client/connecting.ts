import { abortable } from './cancellation';
import { isEnded, idOf, type Session, type SessionOrId } from './session';
import type { Sessions } from './sessions';
import { endedError } from './waiting';

/** A library's way to connect and to let go again. */
export interface Connector<Connection> {
  connect(websocketUrl: string): Promise<Connection>;
  /** Lets go of a connection that came too late; the browser goes on. */
  letGo(connection: Connection): unknown;
}

/**
 * Connects to a session. One that is not live yet is waited for, one of which only the id is known is read first.
 *
 * @throws SessionEndedError if it has ended, instead of whatever the library makes of that.
 */
export async function connectTo<Connection>(
  sessions: Sessions,
  target: SessionOrId,
  signal: AbortSignal | undefined,
  connector: Connector<Connection>,
): Promise<Connection> {
  const websocketUrl = await endpointOf(sessions, target, signal);
  try {
    return await abortable(connector.connect(websocketUrl), signal, late => connector.letGo(late));
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
  // Whether it can be read or not: what the library has said is what the caller hears then.
  const session: Session | null = await sessions.retrieve(idOf(target)).catch(() => null);
  return session !== null && isEnded(session) ? endedError(session, 'nobody can connect', { cause }) : null;
}
