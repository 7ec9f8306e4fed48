import type { z } from 'zod';
import type { NewSession } from '../commands/create-session';
import { createBodyParser, type ParseCreateBody, type TimeoutPolicy } from '../contract/schemas';
import { parseUpdateBody, type RequestedUpdate } from '../contract/update-body';
import { checkFields } from '../core/check-fields';
import { createJob, extendJob, requestFields, runJob, type RunJob } from './contract';

/* What jobs have in their data, read and checked. Each throws HoldfastError `invalid_request` or `not_supported`, naming every field. */

/** What the data of jobs is read with: the same as the bodies of requests. */
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

/** Data that one schema describes. */
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

/** The data of `session.run`. Without `sessionId` the session is to be made. */
export function readRun(
  { parseNewSession }: Pick<JobParsers, 'parseNewSession'>,
  data: unknown,
): Omit<RunJob, 'session'> & { readonly session: NewSession } {
  const { session = {}, ...run } = readJob(runJob, data);
  return { ...run, session: parseNewSession(session, { root: '/session' }) };
}
