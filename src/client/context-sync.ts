import { preferOf } from './releasing';
import { isEnded, type Session, type SessionData } from './session';
import type { RequestOptions, Transport } from './transport';
import { nextChange, type ReadChange } from './waiting';

/** Options of {@link syncContext}. */
export interface SyncRequest extends RequestOptions {
  /** False: answer as soon as the save is requested. Default: true. */
  readonly wait?: boolean | undefined;
}

/** What {@link syncContext} needs of the client. */
export interface SyncParts {
  readonly transport: Transport;
  readonly readChange: ReadChange;
  readonly sessionOf: (data: SessionData) => Session;
}

/**
 * Requests a save of a session's context, and waits for it however long it takes. An attempt whose answer is lost is
 * repeated: one save answers all requests before it, so that costs a save at most.
 *
 * @param path - of the session
 */
export async function syncContext(
  { transport, readChange, sessionOf }: SyncParts,
  path: string,
  { wait = true, ...call }: SyncRequest,
): Promise<Session> {
  const { body, headers } = await transport.send({
    ...call,
    method: 'POST',
    path: `${path}/context/sync`,
    headers: preferOf(wait),
  });
  // SAFETY: a 2xx of this route carries a session.
  let session = sessionOf(body as SessionData);
  const saveId = Number(headers.get('save-id'));
  while (wait && !isSettled(session, saveId))
    session = await nextChange(readChange, session.id, session, call.signal);
  return session;
}

/* A session that has ended is saved at its end, unless it failed. */
const isSettled = (session: Session, saveId: number): boolean =>
  isEnded(session) || (session.context?.lastSave?.id ?? 0) >= saveId;
