import { QUEUES } from '../../../machines/session/session.words';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import type { QuarantinedJob } from '../../client/jobs';
import type { RecordAudit } from '../../commands/record-audit';
import type { DiscardJob, RetryJob } from '../../commands/retry-job';
import { pageLimit } from '../../contract/schemas';
import { checkFields } from '../../core/check-fields';
import { jobNotFound } from '../../engine/not-found';
import type { GetQuarantined, ListQuarantine } from '../../queries/quarantined-jobs';
import { isQuarantineCursor, type QuarantineEntry } from '../../store/quarantine-store';
import { withinRedisBudget } from '../edge/redis-budget';
import { tenantOf } from '../edge/request-context';
import { auditRequest } from './audit';

/** Dependencies of the routes. */
export interface JobRouteParts {
  readonly listQuarantine: ListQuarantine;
  readonly getQuarantined: GetQuarantined;
  readonly retryJob: RetryJob;
  readonly discardJob: DiscardJob;
  readonly recordAudit: RecordAudit;
}

/** The query of `GET /v1/jobs`. */
export const jobsQuery = z.object({
  queue: z.enum(QUEUES).optional().describe('Only jobs of this queue.'),
  cursor: z.string().max(64).refine(isQuarantineCursor, 'is not a cursor of this list').optional(),
  limit: pageLimit,
});

/** `GET /v1/jobs`: one page of the jobs in quarantine, newest first. */
export function listJobsRoute({ listQuarantine }: JobRouteParts): RequestHandler {
  return async (req, res) => {
    const { queue = null, cursor = null, limit } = checkFields(jobsQuery, req.query, { root: 'query' });
    const page = await withinRedisBudget(listQuarantine({ tenant: tenantOf(res), queue, cursor, limit }));
    res.json({
      jobs: page.entries.map(viewOf),
      nextCursor: page.nextCursor,
      hasMore: page.nextCursor !== null,
    });
  };
}

/** `GET /v1/jobs/:id`: one job with the kept part of its payload. */
export function getJobRoute({ getQuarantined }: JobRouteParts): RequestHandler {
  return async (req, res) => {
    const job = await withinRedisBudget(getQuarantined(tenantOf(res), jobIdOf(req)));
    res.json({ ...viewOf(job), data: job.data, truncated: job.isTruncated });
  };
}

/** `POST /v1/jobs/:id/retry`: puts the job back into its queue, under another job id. */
export function retryJobRoute({ retryJob, recordAudit }: JobRouteParts): RequestHandler {
  return async (req, res) => {
    const id = jobIdOf(req);
    const retried = await withinRedisBudget(retryJob(tenantOf(res), id));
    await auditRequest(recordAudit, res, 'job_retried', id);
    res.json(retried);
  };
}

/** `DELETE /v1/jobs/:id`: forgets the job. */
export function discardJobRoute({ discardJob, recordAudit }: JobRouteParts): RequestHandler {
  return async (req, res) => {
    const id = jobIdOf(req);
    await withinRedisBudget(discardJob(tenantOf(res), id));
    await auditRequest(recordAudit, res, 'job_discarded', id);
    res.status(204).end();
  };
}

function viewOf({ id, queue, jobId, name, reason, detail, atMs, size }: QuarantineEntry): QuarantinedJob {
  return { id, queue, jobId, name, reason, detail, at: new Date(atMs).toISOString(), size };
}

/* Ids of entries are UUIDs. */
function jobIdOf({ params: { id } }: Request): string {
  if (typeof id === 'string' && /^[0-9a-f-]{36}$/.test(id)) return id;
  throw jobNotFound();
}
