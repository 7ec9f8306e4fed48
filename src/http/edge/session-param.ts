import type { Request, Response } from 'express';
import { refOf, SESSION_ID_PATTERN, type SessionRef } from '../../core/ids';
import { sessionNotFound } from '../../engine/not-found';
import { tenantOf } from './request-context';

/**
 * The session a route is about: always one of the request's own tenant, so that another tenant's session cannot even be
 * named (I14).
 *
 * @throws ServiceError `session_not_found` for a text that cannot be an id; the answer is the same as for any unknown
 *   session.
 */
export function refOfParam(req: Request, res: Response): SessionRef {
  const { id } = req.params;
  if (typeof id !== 'string' || !SESSION_ID_PATTERN.test(id)) {
    throw sessionNotFound();
  }
  return refOf(tenantOf(res), id);
}
