import { z } from 'zod';
import type { Capacity } from '../../client/fleet';
import type { ReadinessReport } from '../readiness';

/* The answers about the service itself, see answers.ts. */

const count = z.int().min(0);

/** `/livez`. */
export const livenessAnswer = z.object({ status: z.literal('ok') });

const checks: z.ZodType<ReadinessReport> = z.object({
  commands: z.enum(['ok', 'failing']),
  notices: z.enum(['ok', 'silent']),
  lifecycle: z.enum(['ok', 'draining']),
});

/** `/readyz`, ready or not. */
export const readinessAnswer = z.object({ status: z.enum(['ready', 'not_ready']), checks });

/** The capacity of the installation. */
export const capacityAnswer: z.ZodType<Capacity> = z.object({
  slots: count.describe('Of all workers that are alive, including draining ones.'),
  used: count,
  free: count.describe('On workers that are not draining.'),
  warm: count.describe('Free slots for which a browser is ready, so that a session gets it at once.'),
  asleep: count.describe('Used slots whose browser sleeps.'),
  queued: count.describe('Sessions that wait for a worker.'),
  workers: count,
  drainingWorkers: count,
  isAvailable: z.boolean().describe('Whether a session created now would get a slot at once.'),
});

/** `/`, for programs. */
export const landingAnswer = z.object({
  name: z.literal('Holdfast'),
  status: z.enum(['ready', 'not_ready']),
  keyNeeded: z.boolean().describe('Whether `/v1` needs an API key.'),
  version: z
    .string()
    .nullable()
    .describe('Null, like all fields below, if a key is needed and the request has none.'),
  liveSessions: count.nullable().describe('Also null if several tenants share the installation.'),
  capacity: capacityAnswer.nullable().describe('Also null while Redis does not answer.'),
  links: z.object({ api: z.string(), docs: z.string(), openapi: z.string() }),
});
