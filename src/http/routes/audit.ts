import type { RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Service } from '../../contract/service';
import { pageLimit } from '../../contract/schemas';
import { iso } from '../../contract/times';
import type { AuditAction } from '../../core/audit';
import { checkFields } from '../../core/check-fields';
import { isAuditId } from '../../store/audit-store';
import { linkToNext } from '../edge/link';
import { withinRedisBudget } from '../edge/redis-budget';
import { actorOf } from '../edge/request-context';

/** The query of `GET /v1/audit`. */
export const auditQuery = z.object({
  cursor: z.string().refine(isAuditId, 'is not a cursor of this list').optional(),
  limit: pageLimit,
});

/** `GET /v1/audit`: one page of the audit log, newest first. */
export function listAuditRoute({ listAudit }: Pick<Service, 'listAudit'>): RequestHandler {
  return async (req, res) => {
    const { cursor = null, limit } = checkFields(auditQuery, req.query, { root: 'query' });
    // One more than asked for, to know whether there are more.
    const found = await withinRedisBudget(listAudit(cursor, limit + 1));
    const page = found.slice(0, limit);
    const nextCursor = found.length > limit ? (page.at(-1)?.id ?? null) : null;
    if (nextCursor !== null) res.set('Link', linkToNext(req, 'cursor', nextCursor));
    res.json({
      entries: page.map(({ id, atMs, action, actor, subject, detail }) => ({
        ...{ id, at: iso(atMs), action, actor, subject, detail },
      })),
      nextCursor,
      hasMore: nextCursor !== null,
    });
  };
}

/** Writes into the audit log what the caller of a request has done. */
export async function auditRequest(
  recordAudit: Service['recordAudit'],
  res: Response,
  action: AuditAction,
  subject: string,
  detail: string | null = null,
): Promise<void> {
  await withinRedisBudget(recordAudit({ action, actor: actorOf(res), subject, detail }));
}
