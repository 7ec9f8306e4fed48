import type { Request, Response } from 'express';
import { statusOf } from '../../../../machines/session/session.view';
import { hasBrowser, isEnded, type SessionStatus } from '../../../../machines/session/session.words';
import type { SessionData } from '../../../client/session';
import type { Service } from '../../../contract/service';
import { ServiceError } from '../../../core/errors';
import { refOf, SESSION_ID_PATTERN, type SessionRef } from '../../../core/ids';
import { sessionNotFound } from '../../../engine/not-found';
import type { FoundSession } from '../../../queries/get-session';
import { withinRedisBudget } from '../../edge/redis-budget';
import { contextOf, tenantOf } from '../../edge/request-context';
import { LIVE_WAIT_MS } from '../../live-creation';
import { parametersOf } from './parameters';

/** AgentBay's words for sessions, as far as sessions here can be in these states. */
export type AgentBayStatus = 'RUNNING' | 'DELETED';

/** A session's status in AgentBay's words. */
export const AGENTBAY_STATUS: Readonly<Record<SessionStatus, AgentBayStatus>> = {
  created: 'RUNNING',
  live: 'RUNNING',
  released: 'DELETED',
  timed_out: 'DELETED',
  failed: 'DELETED',
};

/**
 * The session that a call is about: always one of the caller's own tenant.
 *
 * @throws ServiceError `session_not_found` for what cannot be an id, `invalid_request` without one.
 */
export function refOfSession(req: Request, res: Response): SessionRef {
  const id = parametersOf(req).required('SessionId');
  if (!SESSION_ID_PATTERN.test(id)) throw sessionNotFound();
  return refOf(tenantOf(res), id);
}

/**
 * The session that a call is about, as long as it has not ended: it is gone for AgentBay's clients then.
 *
 * @throws ServiceError `session_not_found`.
 */
export async function openSession(
  { getSession }: Pick<Service, 'getSession'>,
  req: Request,
  res: Response,
): Promise<FoundSession> {
  const found = await withinRedisBudget(getSession(refOfSession(req, res)));
  if (isEnded(statusOf(found.record.snapshot))) throw sessionNotFound();
  return found;
}

/**
 * The same once its browser runs: a create answers before that if the session has to wait for long.
 *
 * @throws ServiceError `session_not_found`, `session_not_live`.
 */
export async function liveSession(service: Service, req: Request, res: Response): Promise<SessionData> {
  const { record } = await openSession(service, req, res);
  const found = await service.awaitSession({
    ref: record.ref,
    until: ({ snapshot }) => statusOf(snapshot) !== 'created',
    timeoutMs: LIVE_WAIT_MS,
    signal: contextOf(res).stopWaiting,
  });
  const session = service.views.of(found);
  if (isEnded(session.status)) throw sessionNotFound();
  if (!hasBrowser(session.status))
    throw new ServiceError('session_not_live', 'The session still waits for a browser.');
  return session;
}

/** The id of what a session shows to people. */
export const resourceIdOf = ({ id }: Pick<SessionData, 'id'>): string => `p-${id}`;

/**
 * What opens a session in a web browser: its viewer. Clients look for `resourceId=` in it.
 */
export function resourceUrlOf(session: SessionData): string {
  const page = new URL(session.viewerUrl);
  page.searchParams.set('resourceId', resourceIdOf(session));
  return page.href;
}

/** The `Data` of a create and of a get. Members that name a network address of the session are empty. */
export function sessionData(session: SessionData): object {
  return {
    Success: true,
    ErrMsg: '',
    SessionId: session.id,
    ResourceId: resourceIdOf(session),
    ResourceUrl: resourceUrlOf(session),
    AppInstanceId: session.id,
    NetworkInterfaceIp: '',
    HttpPort: '',
    VpcResource: false,
    Token: '',
    LinkUrl: '',
    WsUrl: '',
    ToolList: '',
  };
}
