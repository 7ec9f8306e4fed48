import { z } from 'zod';
import type { UsageFigures, Worker } from '../../client/fleet';
import { usageQuery } from '../routes/usage';
import { capacityAnswer } from './answers';
import type { Operation } from './operation';

/* Workers, capacity and usage. */

const count = z.int().min(0);

const workerAnswer: z.ZodType<Worker> = z.object({
  id: z.string(),
  hostname: z.string().nullable(),
  slots: count,
  used: count.describe('As the worker said last, two seconds ago at most.'),
  draining: z.boolean().describe('Launches nothing; what is live there stays.'),
  alive: z.boolean().describe('Its lease holds: its sessions are being looked after.'),
  leaseExpiresAt: z.string().meta({ format: 'date-time' }).nullable(),
});

const used = {
  sessions: count,
  liveSeconds: z.number().min(0),
  startedMinutes: count.describe('Every minute that was begun, session by session.'),
};
const usage: z.ZodType<UsageFigures> = z.object(used);
const usageAnswer = z.object({
  from: z.string(),
  to: z.string(),
  days: z
    .array(z.object({ date: z.string(), ...used, byEndReason: z.record(z.string(), usage) }))
    .describe('Days on which a session ended; each session counts once, on that day.'),
  total: usage,
});

const WORKER = { description: 'The worker.', schema: workerAnswer };
const FORGOTTEN = { description: 'Undrained; nothing else is known of it any more.' };

/** Operations about the installation, see {@link Operation}. */
export const FLEET_OPERATIONS = {
  listWorkers: {
    method: 'GET',
    path: '/v1/workers',
    tag: 'Service',
    summary: 'List the worker machines of the installation',
    answers: {
      200: { description: 'All of them, by id.', schema: z.object({ workers: z.array(workerAnswer) }) },
    },
    errors: [],
  },
  drainWorker: {
    method: 'POST',
    path: '/v1/workers/{id}/drain',
    tag: 'Service',
    summary: 'Launch nothing on a worker any more',
    description:
      'Live sessions stay until they end. Holds over restarts of the worker, until it is undrained.',
    answers: { 200: WORKER, 204: FORGOTTEN },
    errors: ['worker_not_found'],
  },
  undrainWorker: {
    method: 'POST',
    path: '/v1/workers/{id}/undrain',
    tag: 'Service',
    summary: 'Launch on a drained worker again',
    answers: { 200: WORKER, 204: FORGOTTEN },
    errors: ['worker_not_found'],
  },
  getCapacity: {
    method: 'GET',
    path: '/v1/capacity',
    tag: 'Service',
    summary: 'What the installation can take right now',
    answers: { 200: { description: 'Over all workers.', schema: capacityAnswer } },
    errors: [],
  },
  getUsage: {
    method: 'GET',
    path: '/v1/usage',
    tag: 'Service',
    summary: 'What sessions have used, by the day they ended on and by end reason',
    parameters: [
      { in: 'query', name: 'from', schema: usageQuery.shape.from },
      { in: 'query', name: 'to', schema: usageQuery.shape.to },
    ],
    answers: { 200: { description: 'Kept for 400 days.', schema: usageAnswer } },
    errors: [],
  },
} as const satisfies Record<string, Operation>;
