import type { Request, Response } from 'express';
import { HoldfastError } from '../../core/errors';
import { refOf, SESSION_ID_PATTERN, type SessionRef } from '../../core/ids';
import { tenantOf } from './request-context';

/**
 * The session a route is about: always one of the caller's own tenant, so that nobody else's can even be named (S3).
 *
 * @throws HoldfastError `session_not_found` for what cannot be an id; it looks like any other unknown session.
 */
export function refOfParam(req: Request, res: Response): SessionRef {
  const { id } = req.params;
  if (typeof id !== 'string' || !SESSION_ID_PATTERN.test(id)) {
    throw new HoldfastError('session_not_found', 'There is no such session.');
  }
  return refOf(tenantOf(res), id);
}
