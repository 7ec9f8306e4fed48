import type { RequestHandler } from 'express';
import { z } from 'zod';
import { STATUSES, type SessionStatus } from '../../../../machines/session/session.words';
import { projectSession } from '../../../../machines/session/session.view';
import { createBodyParser, pageLimit } from '../../../contract/schemas';
import { checkFields } from '../../../core/check-fields';
import { ServiceError } from '../../../core/errors';
import { refOf, SESSION_ID_PATTERN } from '../../../core/ids';
import { indexMember } from '../../../redis/keys';
import type { GetSession } from '../../../queries/get-session';
import { withinRedisBudget } from '../../edge/redis-budget';
import { actorOf, contextOf, tenantOf } from '../../edge/request-context';
import { refOfParam } from '../../edge/session-param';
import { createLive, LIVE_WAIT_MS } from '../../live-creation';
import type { DialectParts } from '../dialect';
import { nativeCreateBody } from './create-body';
import { STEEL_STATUS, steelSession } from './session';

/** `POST /v1/sessions`: answers when the session is live. */
export function createRoute({ service, url }: DialectParts): RequestHandler {
  const parseBody = createBodyParser(service.policy);
  const create = createLive(service);
  return async (req, res) => {
    const { found, ended } = await create({
      ...{ tenant: tenantOf(res), session: parseBody(nativeCreateBody(req.body)), idempotencyKey: null },
      ...{ actor: actorOf(res), waitMs: LIVE_WAIT_MS, stopWaiting: contextOf(res).stopWaiting },
    });
    if (ended !== null) throw ended;
    res.json(steelSession(service.views.of(found), url));
  };
}

/** `GET /v1/sessions/{id}`. */
export function retrieveRoute({ service, url }: DialectParts): RequestHandler {
  return async (req, res) => {
    const found = await withinRedisBudget(service.getSession(refOfParam(req, res)));
    res.json(steelSession(service.views.of(found), url));
  };
}

/** `POST /v1/sessions/{id}/release`: 200 also for a session that has ended, however it did. */
export function releaseRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const released = await withinRedisBudget(
      service.releaseSession({
        ...{ ref: refOfParam(req, res), reason: 'released_by_client' },
        ...{ actor: actorOf(res), requestKey: null },
      }),
    );
    await released.closed();
    res.json({ success: true, message: 'Session released successfully' });
  };
}

/** `POST /v1/sessions/release`: every session of the API key. */
export function releaseAllRoute({ service }: DialectParts): RequestHandler {
  return async (_req, res) => {
    const { failed } = await service.releaseAll({
      tenant: tenantOf(res),
      selection: { statuses: [], labels: [], createdAfterMs: null, createdBeforeMs: null },
      ...{ dryRun: false, untilClosed: true, actor: actorOf(res) },
    });
    if (failed > 0)
      throw new ServiceError('outcome_unknown', `${failed} sessions could not be confirmed as released.`);
    res.json({ success: true, message: 'All sessions released successfully' });
  };
}

const listQuery = z.looseObject({
  status: z
    .enum(['live', 'released', 'failed'])
    .transform(word => STATUSES.filter(status => STEEL_STATUS[status] === word))
    .default([]),
  limit: pageLimit,
  cursorId: z.string().regex(SESSION_ID_PATTERN, 'must be the id of a session').optional(),
});

/** `GET /v1/sessions`: newest first; `cursorId` is the last session of the page before, whatever became of it. */
export function listRoute({ service, url }: DialectParts): RequestHandler {
  return async (req, res) => {
    const { status, limit, cursorId } = checkFields(listQuery, req.query, { root: 'query' });
    const tenant = tenantOf(res);
    const statuses: readonly SessionStatus[] = status;
    const cursor = cursorId === undefined ? null : await cursorAt(service.getSession, tenant, cursorId);
    const page = await withinRedisBudget(
      service.listSessions({
        ...{ tenant, statuses, labels: [], createdAfterMs: null, createdBeforeMs: null },
        ...{ cursor, limit },
      }),
    );
    const sessions = page.sessions.map(found => steelSession(service.views.of(found), url));
    res.json({ sessions, nextCursor: page.nextCursor === null ? null : (sessions.at(-1)?.id ?? null) });
  };
}

async function cursorAt(getSession: GetSession, tenant: string, id: string): Promise<string> {
  const { record } = await withinRedisBudget(getSession(refOf(tenant, id)));
  return indexMember(projectSession(record.snapshot).createdAtMs, id);
}
