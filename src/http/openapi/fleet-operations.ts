import { z } from 'zod';
import type { UsageFigures, Worker } from '../../client/fleet';
import { usageQuery } from '../routes/usage';
import { capacityAnswer } from './service-answers';
import type { Operation } from './operation';

/* Workers, capacity and usage. */

const count = z.int().min(0);

const workerAnswer: z.ZodType<Worker> = z.object({
  id: z.string(),
  hostname: z.string().nullable(),
  slots: count,
  used: count.describe('As the worker has last reported it, at most two seconds ago.'),
  warm: count.describe('Free slots for which a browser is ready, so that a session gets it at once.'),
  asleep: count.describe('Used slots whose browser sleeps.'),
  draining: z.boolean().describe('The worker launches no sessions. Its live sessions stay.'),
  alive: z.boolean().describe('The lease of the worker has not lapsed.'),
  leaseExpiresAt: z.string().meta({ format: 'date-time' }).nullable(),
});

const used = {
  sessions: count,
  liveSeconds: z.number().min(0),
  startedMinutes: count.describe('The live time of each session, rounded up to whole minutes, in total.'),
  sentBytes: count.describe('What browsers with a forward proxy have sent.'),
  receivedBytes: count.describe('What they have received.'),
  refused: count.describe('Requests that rules of egress have refused to them.'),
};
const usage: z.ZodType<UsageFigures> = z.object(used);
const usageAnswer = z.object({
  from: z.string(),
  to: z.string(),
  days: z
    .array(z.object({ date: z.string(), ...used, byEndReason: z.record(z.string(), usage) }))
    .describe('The days on which sessions ended. A session counts once, on the day of its end.'),
  total: usage,
  contexts: z
    .object({ count, bytes: count.describe('Size of all kept versions.') })
    .describe('The contexts as they are now.'),
});

const WORKER = { description: 'The worker.', schema: workerAnswer };
const FORGOTTEN = { description: 'The worker is undrained. Nothing else is known about it any more.' };

/** Operations about the installation, see {@link Operation}. */
export const FLEET_OPERATIONS = {
  listWorkers: {
    method: 'GET',
    path: '/v1/workers',
    scope: 'view',
    tag: 'Service',
    summary: 'List the workers of the installation',
    answers: {
      200: {
        description: 'All workers, sorted by id.',
        schema: z.object({ workers: z.array(workerAnswer) }),
      },
    },
    errors: [],
  },
  drainWorker: {
    method: 'POST',
    path: '/v1/workers/{id}/drain',
    scope: 'admin',
    tag: 'Service',
    summary: 'Drain a worker: launch no more sessions on it',
    description:
      'Live sessions stay until they end. The worker stays drained across restarts, until it is undrained.',
    answers: { 200: WORKER, 204: FORGOTTEN },
    errors: ['worker_not_found'],
  },
  undrainWorker: {
    method: 'POST',
    path: '/v1/workers/{id}/undrain',
    scope: 'admin',
    tag: 'Service',
    summary: 'Undrain a worker: launch sessions on it again',
    answers: { 200: WORKER, 204: FORGOTTEN },
    errors: ['worker_not_found'],
  },
  getCapacity: {
    method: 'GET',
    path: '/v1/capacity',
    scope: 'view',
    tag: 'Service',
    summary: 'Read the capacity of the installation',
    answers: { 200: { description: 'The sum over all workers.', schema: capacityAnswer } },
    errors: [],
  },
  getUsage: {
    method: 'GET',
    path: '/v1/usage',
    scope: 'view',
    tag: 'Service',
    summary: 'Read the usage of sessions, by the day of their end and by end reason, and of contexts',
    description:
      'JSON, or CSV (RFC 4180) to clients that prefer `text/csv`: a line for each day and end reason, and a last one ' +
      'with the contexts as they are now.',
    query: usageQuery,
    answers: {
      200: { description: 'The usage. It is kept for 400 days.', schema: usageAnswer, isTable: true },
    },
    errors: [],
  },
} as const satisfies Record<string, Operation>;
