import type { RequestHandler } from 'express';
import { z } from 'zod';
import { STATUSES, type SessionStatus } from '../../../../machines/session/session.words';
import type { NewSession } from '../../../commands/create-session';
import { createBodyParser, pageLimit } from '../../../contract/schemas';
import { checkFields } from '../../../core/check-fields';
import { ServiceError } from '../../../core/errors';
import { refOf, SESSION_ID_PATTERN } from '../../../core/ids';
import type { ListRequest } from '../../../queries/list-sessions';
import { withinRedisBudget } from '../../edge/redis-budget';
import { actorOf, tenantOf } from '../../edge/request-context';
import { refOfParam } from '../../edge/session-param';
import type { DialectParts } from '../dialect';
import { inSteelNames, readCreateBody } from './create-body';
import { createReady, isGone } from './creation';
import { STEEL_STATUS, steelView } from './session';

/**
 * `POST /v1/sessions`: answers when the session is live and has its `sessionContext`. If the client goes away before it
 * has the answer, the session is released: the SDK then asks for another one.
 */
export function createRoute(parts: DialectParts): RequestHandler {
  const { policy } = parts.service;
  const parseBody = createBodyParser(policy);
  const create = createReady(parts);
  const view = steelView(parts);
  const parse = (native: object): NewSession => {
    try {
      return parseBody(native);
    } catch (error) {
      throw inSteelNames(error);
    }
  };
  return async (req, res) => {
    const { native, state } = readCreateBody(req.body, policy);
    const { found, abandon } = await create({ req, res, session: parse(native), state });
    if (isGone(res)) {
      await abandon();
      return;
    }
    // A release that fails now is left to the time-outs of the session.
    res.once('close', () => void (isGone(res) && abandon().catch(() => undefined)));
    res.json(view(found));
  };
}

/** `GET /v1/sessions/{id}`. */
export function retrieveRoute(parts: DialectParts): RequestHandler {
  const view = steelView(parts);
  return async (req, res) => {
    res.json(view(await withinRedisBudget(parts.service.getSession(refOfParam(req, res)))));
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
    .transform((word): readonly SessionStatus[] => STATUSES.filter(status => STEEL_STATUS[status] === word))
    .default([]),
  limit: pageLimit,
  cursorId: z.string().regex(SESSION_ID_PATTERN, 'must be the id of a session').optional(),
});

/**
 * `GET /v1/sessions`: newest first. `cursorId` is the last session of the page before, whatever became of it. The SDKs
 * for Node and Python stop at an empty page, so only the last one is empty.
 */
export function listRoute(parts: DialectParts): RequestHandler {
  const { service } = parts;
  const view = steelView(parts);
  return async (req, res) => {
    const { status, limit, cursorId } = checkFields(listQuery, req.query, { root: 'query' });
    const tenant = tenantOf(res);
    const cursor =
      cursorId === undefined ? null : await withinRedisBudget(service.cursorAfter(refOf(tenant, cursorId)));
    const request = { tenant, statuses: status, labels: [], createdAfterMs: null, createdBeforeMs: null };
    const page = await nextPage({ ...request, cursor, limit });
    const sessions = page.sessions.map(view);
    res.json({ sessions, nextCursor: page.nextCursor === null ? null : (sessions.at(-1)?.id ?? null) });
  };

  async function nextPage(request: ListRequest): ReturnType<typeof service.listSessions> {
    const page = await withinRedisBudget(service.listSessions(request));
    if (page.sessions.length > 0 || page.nextCursor === null) return page;
    return nextPage({ ...request, cursor: page.nextCursor });
  }
}
