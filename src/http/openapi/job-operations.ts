import type { QuarantinedJob } from '../../client/jobs';
import { z } from 'zod';
import { CONTAINMENT_REASONS } from '../../core/containment';
import { jobsQuery } from '../routes/jobs';
import type { Operation } from './operation';

/* Jobs that no consumer could handle: to list, retry and discard them. */

const entry = {
  id: z.string().describe('Of the entry; the other operations take it.'),
  queue: z.string(),
  jobId: z.string().describe('As its producer has named it; made fit to be shown.'),
  name: z.string().describe('The same.'),
  reason: z.enum(CONTAINMENT_REASONS),
  detail: z.string(),
  at: z.string().meta({ format: 'date-time' }),
  size: z.int().min(0).describe('Of the payload as it was in the queue, bytes.'),
};
const jobAnswer = z.object({
  ...entry,
  data: z.string().describe('The payload as it was in the queue, JSON or not; the first 64 KiB of it.'),
  truncated: z.boolean(),
});
const listAnswer = z.object({
  jobs: z.array(z.object(entry) satisfies z.ZodType<QuarantinedJob>),
  nextCursor: z.string().nullable(),
  hasMore: z.boolean(),
});
const retryAnswer = z.object({ queue: z.string(), jobId: z.string().describe('Of the new job.') });

/** Operations about the quarantine, see {@link Operation}. */
export const JOB_OPERATIONS = {
  listJobs: {
    method: 'GET',
    path: '/v1/jobs',
    tag: 'Jobs',
    summary: 'List the jobs in quarantine, newest first',
    description: 'The newest 1 000 of the last seven days.',
    parameters: [
      { in: 'query', name: 'queue', schema: jobsQuery.shape.queue },
      { in: 'query', name: 'cursor', schema: jobsQuery.shape.cursor },
      { in: 'query', name: 'limit', schema: jobsQuery.shape.limit },
    ],
    answers: { 200: { description: 'One page.', schema: listAnswer } },
    errors: [],
  },
  getJob: {
    method: 'GET',
    path: '/v1/jobs/{id}',
    tag: 'Jobs',
    summary: 'Read a job in quarantine',
    description: 'With its payload, which may hold secrets of whoever has sent it.',
    answers: { 200: { description: 'The job.', schema: jobAnswer } },
    errors: ['job_not_found'],
  },
  retryJob: {
    method: 'POST',
    path: '/v1/jobs/{id}/retry',
    tag: 'Jobs',
    summary: 'Put a job back into its queue as it was, under another id',
    answers: {
      200: { description: 'It is in its queue, and not in quarantine any more.', schema: retryAnswer },
    },
    errors: ['job_not_found', 'job_not_retryable'],
  },
  discardJob: {
    method: 'DELETE',
    path: '/v1/jobs/{id}',
    tag: 'Jobs',
    summary: 'Forget a job in quarantine',
    answers: { 204: { description: 'It is forgotten.' } },
    errors: ['job_not_found'],
  },
} as const satisfies Record<string, Operation>;
