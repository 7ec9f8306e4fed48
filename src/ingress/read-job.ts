import type { z } from 'zod';
import type { NewSession } from '../commands/create-session';
import { checkFields } from '../core/check-fields';
import { createJob, extendJob, requestFields, runJob, type RunJob } from './contract';
import type { IngressParts, RequestedChange } from './parts';

/* What jobs have in their data, read and checked. Each throws HoldfastError `invalid_request` or `not_supported`, naming every field. */

type Parsers = Pick<IngressParts, 'parseNewSession' | 'parseChange'>;

const WHOLE = 'the data';

/** Data that one schema describes. */
export function readJob<S extends z.ZodType>(schema: S, data: unknown): z.output<S> {
  return checkFields(schema, data, { whole: WHOLE });
}

/** The data of `session.create`. */
export function readCreate(
  { parseNewSession }: Pick<Parsers, 'parseNewSession'>,
  data: unknown,
): { readonly dedupKey: string | undefined; readonly session: NewSession } {
  const job = readJob(createJob, data);
  const fields = requestFields(job, 'v', 'dedupKey');
  return { dedupKey: job.dedupKey, session: parseNewSession(fields, { whole: WHOLE, beside: ['dedupKey'] }) };
}

/** The data of `session.extend`. */
export function readExtend(
  { parseChange }: Pick<Parsers, 'parseChange'>,
  data: unknown,
): { readonly sessionId: string; readonly change: RequestedChange } {
  const job = readJob(extendJob, data);
  return {
    sessionId: job.sessionId,
    change: parseChange(requestFields(job, 'v', 'sessionId'), { whole: WHOLE }),
  };
}

/** The data of `session.run`. Without `sessionId` the session is to be made. */
export function readRun(
  { parseNewSession }: Pick<Parsers, 'parseNewSession'>,
  data: unknown,
): Omit<RunJob, 'session'> & { readonly session: NewSession } {
  const { session = {}, ...run } = readJob(runJob, data);
  return { ...run, session: parseNewSession(session, { root: '/session' }) };
}
