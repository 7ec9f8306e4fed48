import type { Request, Response } from 'express';
import { statusOf } from '../../../../machines/session/session.view';
import { writeLiveState } from '../../../browser/live-state';
import type { NewSession } from '../../../commands/create-session';
import type { BrowserState } from '../../../core/browser-state';
import { ServiceError } from '../../../core/errors';
import type { SessionRef } from '../../../core/ids';
import type { FoundSession } from '../../../queries/get-session';
import { withinRedisBudget } from '../../edge/redis-budget';
import { actorOf, contextOf, tenantOf } from '../../edge/request-context';
import { createLive } from '../../live-creation';
import type { DialectParts } from '../dialect';

/**
 * How long a create waits for its session to be live, milliseconds: Steel's clients give up after 60 s and ask for
 * another session.
 */
const READY_WAIT_MS = 45_000;

/** How long the browser may take to accept cookies and storage, milliseconds. */
const STATE_TIMEOUT_MS = 10_000;

/** A session for one request. */
export interface Asked {
  readonly req: Request;
  readonly res: Response;
  readonly session: NewSession;
  /** What its browser gets before the answer. */
  readonly state: BrowserState;
}

/** A session that is live, and the way to end it if its client never gets to know of it. */
export interface ReadySession {
  readonly found: FoundSession;
  /** Releases it, unless the client has named it: then the client knows it, and a repeat of the request gets it. */
  readonly abandon: () => Promise<void>;
}

/** Creates a session for a client that waits until it is live. */
export type CreateReady = (asked: Asked) => Promise<ReadySession>;

/**
 * Steel's SDKs have no idempotency key: they repeat a create that was not answered, and would never use the session of
 * the first. So no session is left that its client does not know of.
 *
 * @throws ServiceError `session_id_taken` for an id that is in use, and the errors of a create. No session is left
 *   then.
 */
export function createReady({ service }: Pick<DialectParts, 'service'>): CreateReady {
  const create = createLive(service);
  return async ({ req, res, session, state }) => {
    const { accepted, found, ended } = await create({
      ...{ tenant: tenantOf(res), session, idempotencyKey: null },
      ...{ actor: actorOf(res), waitMs: READY_WAIT_MS, stopWaiting: contextOf(res).stopWaiting },
    });
    const { ref, committed } = accepted;
    if (committed === null && !isRepeat(req)) throw idTaken(session.sessionId ?? '');
    if (ended !== null) throw ended;
    const isNamed = session.sessionId !== null;
    const abandon = async (): Promise<void> => {
      if (!isNamed) await release(ref, actorOf(res));
    };
    try {
      if (statusOf(found.record.snapshot) !== 'live') throw notReady(res);
      await prepare(ref, state);
    } catch (error) {
      await abandon();
      throw error;
    }
    return { found, abandon };
  };

  async function release(ref: SessionRef, actor: string): Promise<void> {
    const reason = 'released_by_client';
    await withinRedisBudget(service.releaseSession({ ref, reason, actor, requestKey: null }));
  }

  async function prepare(ref: SessionRef, state: BrowserState): Promise<void> {
    if (state.cookies.length + state.localStorage.length === 0) return;
    const route = await withinRedisBudget(service.findBrowser(ref));
    await writeLiveState(route, state, STATE_TIMEOUT_MS);
  }
}

/** Whether the client has gone away, and will not read an answer. */
export const isGone = ({ closed, writableFinished }: Response): boolean => closed && !writableFinished;

/* Header of SDKs made by Stainless: 0 for the first try. */
const isRepeat = ({ headers }: Request): boolean => Number(headers['x-stainless-retry-count'] ?? 0) > 0;

/* The wait is over, or the client has gone, or this process shuts down. Nothing of the session is left to wait for. */
function notReady(res: Response): ServiceError {
  return contextOf(res).stopWaiting.aborted && !isGone(res)
    ? new ServiceError('shutting_down', 'This process is shutting down.')
    : new ServiceError('queue_timeout', 'The session did not become live in time.');
}

const idTaken = (id: string): ServiceError =>
  new ServiceError('session_id_taken', `The session id ${id} was used before.`, {
    fields: [{ pointer: '/sessionId', message: 'was used before' }],
  });
