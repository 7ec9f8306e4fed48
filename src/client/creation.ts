import { openScope } from './cancellation';
import { isHoldfastError, SessionEndedError } from './errors';
import { withoutForeign, type ForeignOptions } from './foreign-options';
import type { OwnSessions } from './own-sessions';
import {
  isEnded,
  type CreatedSession,
  type CreateOptions,
  type EndedSession,
  type LiveSession,
  type Session,
  type SessionData,
} from './session';
import type { RequestOptions, Transport } from './transport';
import { endedError } from './waiting';

/** Options of a create. */
export interface CreateRequest extends RequestOptions {
  /**
   * Identifies this create: another one with the same key, from any process within 24 hours, returns the same session.
   * Default: a fresh one per call.
   */
  readonly idempotencyKey?: string | undefined;
  /** False: answer as soon as the session is accepted; it is then `created` and has no URL yet. Default: true. */
  readonly wait?: boolean | undefined;
}

/** Options of a create that waits until the session is live. */
export type CreateLiveRequest = CreateRequest & { readonly wait?: true | undefined };

/** Dependencies of {@link createSession}. */
export interface CreationParts {
  readonly transport: Transport;
  readonly own: OwnSessions;
  readonly sessionOf: (data: SessionData) => Session;
  readonly untilSettled: (
    session: CreatedSession,
    signal: AbortSignal,
  ) => Promise<LiveSession | EndedSession>;
}

/** How long the release of an abandoned create may take, milliseconds. */
const ABANDON_TIMEOUT_MS = 10_000;

/**
 * Creates exactly one session: every attempt carries the same Idempotency-Key. If the caller aborts, or no attempt is
 * answered, a session that may exist is released in the background, unless the caller has chosen the key and so can
 * repeat the create.
 *
 * @throws SessionEndedError if it ended before it was live.
 */
export async function createSession(
  parts: CreationParts,
  options: CreateOptions,
  request: CreateRequest,
): Promise<CreatedSession | LiveSession> {
  // Aborted by the caller's signal, or by a signal to the process.
  const creation = new AbortController();
  const follow = (): void => creation.abort(request.signal?.reason);
  if (request.signal?.aborted === true) follow();
  request.signal?.addEventListener('abort', follow, { once: true });
  try {
    const work = makeOrAbandon(parts, withoutForeign(options), { ...request, signal: creation.signal });
    return await parts.own.during(creation, work);
  } finally {
    request.signal?.removeEventListener('abort', follow);
  }
}

/** The body of the request. */
type OwnOptions = Omit<CreateOptions, keyof ForeignOptions>;

type SignalledRequest = CreateRequest & { readonly signal: AbortSignal };

async function makeOrAbandon(
  parts: CreationParts,
  options: OwnOptions,
  request: SignalledRequest,
): Promise<CreatedSession | LiveSession> {
  const { idempotencyKey = crypto.randomUUID() } = request;
  const isNamed = request.idempotencyKey !== undefined;
  try {
    return await makeLive(parts, options, { ...request, idempotencyKey });
  } catch (error) {
    const mayExist = !isRefusal(error) && !isNamed;
    if (mayExist) parts.own.abandon(abandon(parts.transport, options, idempotencyKey));
    throw isNamed || options.sessionId !== undefined ? error : ofOneCall(error);
  }
}

/*
 * The service marks the error as not retryable, because the key belongs to a session that failed. The next call has
 * another key, so it may succeed.
 */
function ofOneCall(error: unknown): unknown {
  if (!(error instanceof SessionEndedError) || error.sessionStatus !== 'failed') return error;
  const { code, message, status, requestId } = error;
  const facts = { status: status ?? undefined, requestId: requestId ?? undefined, cause: error };
  return new SessionEndedError(code, message, error, { ...facts, retryable: true });
}

async function makeLive(
  { transport, own, sessionOf, untilSettled }: CreationParts,
  options: OwnOptions,
  request: SignalledRequest & { readonly idempotencyKey: string },
): Promise<CreatedSession | LiveSession> {
  const { wait = true, idempotencyKey, ...call } = request;
  const made = sessionOf(await post(transport, options, idempotencyKey, !wait, call));
  const session = wait && made.status === 'created' ? await untilSettled(made, request.signal) : made;
  if (isEnded(session)) {
    // The same code as when the service answers the create with the end.
    const code = session.status === 'failed' ? session.endReason : 'session_ended';
    throw endedError(session, 'it was never live', { code });
  }
  own.add(session.id);
  return session;
}

async function post(
  transport: Transport,
  options: OwnOptions,
  idempotencyKey: string,
  respondAsync: boolean,
  call: RequestOptions,
): Promise<SessionData> {
  const { body } = await transport.send({
    ...call,
    method: 'POST',
    path: '/v1/sessions',
    body: options,
    headers: { 'idempotency-key': idempotencyKey, ...(respondAsync ? { prefer: 'respond-async' } : {}) },
  });
  // SAFETY: a 2xx of this route carries a session.
  return body as SessionData;
}

/* The service has refused the create, or the session has ended: there is nothing to release. */
const isRefusal = (error: unknown): boolean =>
  error instanceof SessionEndedError ||
  (isHoldfastError(error) && error.status !== null && error.status >= 400 && error.status < 500);

/*
 * Only a repeat of the request gives the id. If no earlier request arrived, the repeat creates the session that is then
 * released.
 */
async function abandon(transport: Transport, options: OwnOptions, idempotencyKey: string): Promise<void> {
  const scope = openScope(ABANDON_TIMEOUT_MS, undefined);
  const call = { signal: scope.signal, maxRetries: 0 };
  try {
    const { id } = await post(transport, options, idempotencyKey, true, call);
    await transport.send({
      ...call,
      method: 'POST',
      path: `/v1/sessions/${id}/release`,
      headers: { prefer: 'respond-async' },
    });
  } finally {
    scope.close();
  }
}
