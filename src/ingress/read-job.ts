import type { z } from 'zod';
import type { NewSession } from '../commands/create-session';
import { createBodyParser, type ParseCreateBody, type TimeoutPolicy } from '../contract/schemas';
import { parseUpdateBody, type RequestedUpdate } from '../contract/update-body';
import { checkFields } from '../core/check-fields';
import { createJob, extendJob, requestFields, runJob, type RunJob } from './contract';

/*
 * Reads and checks the data of jobs. Each function throws ServiceError `invalid_request` or `not_supported`, naming
 * every field.
 */

/** The parsers for the data of jobs: the same as for the bodies of requests. */
export interface JobParsers {
  readonly policy: TimeoutPolicy;
  readonly parseNewSession: ParseCreateBody;
}

/** Makes the parsers, once for all jobs. */
export const jobParsers = (policy: TimeoutPolicy): JobParsers => ({
  policy,
  parseNewSession: createBodyParser(policy),
});

const WHOLE = 'the data';

/** Parses data with one schema. */
export function readJob<S extends z.ZodType>(schema: S, data: unknown): z.output<S> {
  return checkFields(schema, data, { whole: WHOLE });
}

/** The data of `session.create`. */
export function readCreate(
  { parseNewSession }: Pick<JobParsers, 'parseNewSession'>,
  data: unknown,
): { readonly dedupKey: string | undefined; readonly session: NewSession } {
  const job = readJob(createJob, data);
  const fields = requestFields(job, 'v', 'dedupKey');
  return { dedupKey: job.dedupKey, session: parseNewSession(fields, { whole: WHOLE, beside: ['dedupKey'] }) };
}

/** The data of `session.extend`. */
export function readExtend(
  { policy }: Pick<JobParsers, 'policy'>,
  data: unknown,
): { readonly sessionId: string; readonly change: RequestedUpdate } {
  const job = readJob(extendJob, data);
  return {
    sessionId: job.sessionId,
    change: parseUpdateBody(requestFields(job, 'v', 'sessionId'), policy, { whole: WHOLE }),
  };
}

/** The data of `session.run`. Without `sessionId` the job creates its session. */
export function readRun(
  { parseNewSession }: Pick<JobParsers, 'parseNewSession'>,
  data: unknown,
): Omit<RunJob, 'session'> & { readonly session: NewSession } {
  const { session = {}, ...run } = readJob(runJob, data);
  return { ...run, session: parseNewSession(session, { root: '/session' }) };
}
