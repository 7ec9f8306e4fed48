import type { RequestHandler } from 'express';
import type { Service } from '../../contract/service';
import { etagOf } from '../edge/etag';
import { withinRedisBudget } from '../edge/redis-budget';
import { refOfParam } from '../edge/session-param';
import { auditRequest } from './audit';

/** `POST /v1/sessions/:id/rotate-token`: the session with another `websocketUrl`; the one before opens nothing more. */
export function rotateTokenRoute({
  rotateToken,
  recordAudit,
  getSession,
  views,
}: Pick<Service, 'rotateToken' | 'recordAudit' | 'getSession' | 'views'>): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    await withinRedisBudget(rotateToken(ref));
    await auditRequest(recordAudit, res, 'token_rotated', ref);
    const found = await withinRedisBudget(getSession(ref));
    res.set('ETag', etagOf(found.record.revision)).json(views.of(found));
  };
}
