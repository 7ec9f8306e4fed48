import { z } from 'zod';
import { IDEMPOTENCY_KEY } from '../../contract/schemas';

/* Headers that several operations read. No header is required: each has a default. */

/** A header as a parameter. */
export const header = (description: string, schema: z.ZodType = z.string()): z.ZodType =>
  schema.optional().describe(description);

/** What is left of the tenant's quotas; only if it has any that this request counts for. */
export const BUDGET_HEADERS = {
  'RateLimit-Policy':
    'The quotas of the API key that the request counts for (draft-ietf-httpapi-ratelimit-headers): ' +
    '`q` is the limit, `w` its window in seconds. Left out without quotas.',
  RateLimit: 'What is left of each: `r`, and after how many seconds there will be more: `t`.',
};

/** For operations that a client may repeat. */
export const IDEMPOTENCY = {
  'Idempotency-Key': header(
    'A retry with the same key within 24 hours gets the result of the first request.',
    z.string().regex(IDEMPOTENCY_KEY),
  ),
};

/** For changes of one revision. */
export const ifMatch = (what: 'session' | 'context'): Readonly<Record<string, z.ZodType>> => ({
  'If-Match': header(`An \`ETag\`: 412 if the ${what} has another revision. \`*\`: any revision.`),
});
