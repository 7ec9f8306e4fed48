import type { RequestHandler } from 'express';
import { z } from 'zod';
import { OPEN_STATUSES, STATUSES, type SessionStatus } from '../../../../machines/session/session.words';
import { createBodyParser, parseIdempotencyKey } from '../../../contract/schemas';
import { checkFields } from '../../../core/check-fields';
import { withinRedisBudget } from '../../edge/redis-budget';
import { actorOf, contextOf, tenantOf } from '../../edge/request-context';
import { refOfParam } from '../../edge/session-param';
import { createLive, LIVE_WAIT_MS } from '../../live-creation';
import type { DialectParts } from '../dialect';
import { numberedPage, pageFields, queryFlag } from './paging';
import { NOTTE_STATUS, notteSession, type NotteSession } from './session';
import { startBodyParser } from './start-body';

const PAGE_SIZE = 10;

/** `POST /sessions/start`: 200 when the session is live; its clients take any other status for an error. */
export function startRoute({ service }: DialectParts): RequestHandler {
  const parseBody = startBodyParser(service.policy, createBodyParser(service.policy));
  const create = createLive(service);
  return async (req, res) => {
    const { found, ended } = await create({
      ...{ tenant: tenantOf(res), session: parseBody(req.body) },
      idempotencyKey: parseIdempotencyKey(req.headers['idempotency-key']),
      ...{ actor: actorOf(res), waitMs: LIVE_WAIT_MS, stopWaiting: contextOf(res).stopWaiting },
    });
    if (ended !== null) throw ended;
    res.json(notteSession(found, service.views));
  };
}

/** `GET /sessions/{id}`: also of a session that has ended, with its true status. */
export function statusRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const found = await withinRedisBudget(service.getSession(refOfParam(req, res)));
    res.json(notteSession(found, service.views));
  };
}

/**
 * `DELETE` or `POST /sessions/{id}/stop`: `closed`, however the session has ended. Python's client takes any other word
 * for a failure to stop it.
 */
export function stopRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const released = await withinRedisBudget(
      service.releaseSession({
        ...{ ref: refOfParam(req, res), reason: 'released_by_client' },
        ...{ actor: actorOf(res), requestKey: null },
      }),
    );
    const found = { record: await released.closed(), nowMs: released.nowMs, queuePosition: null };
    res.json({ ...notteSession(found, service.views), status: 'closed' } satisfies NotteSession);
  };
}

const listQuery = z.looseObject({
  ...pageFields(PAGE_SIZE),
  only_active: queryFlag.optional(),
  // All keys of a tenant see the same sessions, and the service has none of its own.
  only_current_token: queryFlag.optional(),
  include_system: queryFlag.optional(),
  status: z.enum(['active', 'closed', 'error', 'timed_out']).optional(),
});

/** `GET /sessions`: by default those that have not ended, newest first. */
export function listRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const {
      status,
      only_active: onlyActive = status === undefined,
      ...page
    } = checkFields(listQuery, req.query, {
      root: 'query',
    });
    const open: readonly SessionStatus[] = onlyActive ? OPEN_STATUSES : STATUSES;
    const statuses = open.filter(one => status === undefined || NOTTE_STATUS[one] === status);
    const filters = { statuses, labels: [], createdAfterMs: null, createdBeforeMs: null };
    const tenant = tenantOf(res);
    const answer = await numberedPage(page, async (cursor, limit) => {
      if (statuses.length === 0) return { items: [], nextCursor: null };
      const part = await withinRedisBudget(service.listSessions({ tenant, ...filters, cursor, limit }));
      return { items: part.sessions, nextCursor: part.nextCursor };
    });
    res.json({ ...answer, items: answer.items.map(found => notteSession(found, service.views)) });
  };
}
