import { z } from 'zod';
import { steps } from '../browser/steps';
import { SESSION_ID_PATTERN } from '../core/ids';

/** A job whose data, as JSON, is larger than this is not read. */
export const JOB_MAX_BYTES = 262_144;

const version = z.literal(1, { error: 'must be 1, the version of the contract' });

const dedupKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must have 1 to 255 printable ASCII characters without spaces')
  .exactOptional()
  .describe('Jobs with the same key create one session within 24 hours. Default: the id of the job.');

const sessionId = z
  .string()
  .regex(SESSION_ID_PATTERN, 'must have 1 to 64 characters: letters, digits, "_", "-"');

/** `session.create`, apart from the fields of `POST /v1/sessions`. */
export const createJob = z.looseObject({ v: version, dedupKey });

/** `session.extend`, apart from the fields of `PATCH /v1/sessions/{id}`. */
export const extendJob = z.looseObject({ v: version, sessionId });

/** The body of the corresponding request: all fields except those of the job itself. */
export function requestFields(
  data: Readonly<Record<string, unknown>>,
  ...own: readonly string[]
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([name]) => !own.includes(name)));
}

/** `session.release`. */
export const releaseJob = z.strictObject({ v: version, sessionId });

/** `session.run`. */
export const runJob = z
  .strictObject({
    v: version,
    dedupKey: dedupKey.describe('Of jobs with the same key only the first runs, within 24 hours.'),
    sessionId: sessionId.exactOptional().describe('The session to use. By default a session is created.'),
    session: z.unknown().optional().describe('The fields of the session to create, as in `session.create`.'),
    steps,
    then: z
      .enum(['release', 'keep'])
      .default('release')
      .describe('What happens to the session when the steps are done or one has failed.'),
  })
  .refine(
    given => given.sessionId === undefined || given.session === undefined,
    'sessionId and session exclude each other',
  );

/** @see runJob */
export type RunJob = z.output<typeof runJob>;
