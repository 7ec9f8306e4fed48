import type { QuarantinedJob } from '../../client/jobs';
import { z } from 'zod';
import { QUARANTINE_REASONS } from '../../core/quarantine';
import { jobsQuery } from '../routes/jobs';
import type { Operation } from './operation';

/* Jobs that no consumer could handle: to list, retry and discard them. */

const entry = {
  id: z.string().describe('The id of the entry, for the other operations.'),
  queue: z.string(),
  jobId: z.string().describe('The id that the producer has given, cleaned for display.'),
  name: z.string().describe('The name that the producer has given, cleaned for display.'),
  reason: z.enum(QUARANTINE_REASONS),
  detail: z.string(),
  at: z.string().meta({ format: 'date-time' }),
  size: z.int().min(0).describe('The size of the payload in the queue, in bytes.'),
};
const jobAnswer = z.object({
  ...entry,
  data: z
    .string()
    .describe('The payload as it was in the queue, valid JSON or not. At most its first 64 KiB.'),
  truncated: z.boolean(),
});
const listAnswer = z.object({
  jobs: z.array(z.object(entry) satisfies z.ZodType<QuarantinedJob>),
  nextCursor: z.string().nullable(),
  hasMore: z.boolean(),
});
const retryAnswer = z.object({ queue: z.string(), jobId: z.string().describe('The id of the new job.') });

/** Operations about the quarantine, see {@link Operation}. */
export const JOB_OPERATIONS = {
  listJobs: {
    method: 'GET',
    path: '/v1/jobs',
    scope: 'admin',
    tag: 'Jobs',
    summary: 'List the jobs in quarantine, newest first',
    description: 'The quarantine keeps the newest 1 000 jobs of the last seven days.',
    query: jobsQuery,
    answers: { 200: { description: 'One page.', schema: listAnswer } },
    errors: [],
  },
  getJob: {
    method: 'GET',
    path: '/v1/jobs/{id}',
    scope: 'admin',
    tag: 'Jobs',
    summary: 'Read a job in quarantine',
    description: 'With its payload, which may contain secrets of its sender.',
    answers: { 200: { description: 'The job.', schema: jobAnswer } },
    errors: ['job_not_found'],
  },
  retryJob: {
    method: 'POST',
    path: '/v1/jobs/{id}/retry',
    scope: 'admin',
    tag: 'Jobs',
    summary: 'Put a job back into its queue unchanged, under a new id',
    answers: {
      200: { description: 'The job is in its queue, and no longer in quarantine.', schema: retryAnswer },
    },
    errors: ['job_not_found', 'job_not_retryable'],
  },
  discardJob: {
    method: 'DELETE',
    path: '/v1/jobs/{id}',
    scope: 'admin',
    tag: 'Jobs',
    summary: 'Discard a job in quarantine',
    answers: { 204: { description: 'The job is discarded.' } },
    errors: ['job_not_found'],
  },
} as const satisfies Record<string, Operation>;
