import { createHash } from 'node:crypto';
import { randomId } from '../core/ids';

/**
 * The id of an operation. With a caller's key it is equal for all retries of a request; what is asked for is part of
 * it, so that the same key with something else is another operation, not a replay. Without one every call is an
 * operation of its own. The alphabet fits the ids of jobs.
 *
 * @param asked - key and content of the request, as JSON; and its subject, unless operations are recorded for each
 *   subject apart
 */
export function operationId(kind: string, requestKey: string | null, asked: readonly unknown[]): string {
  if (requestKey === null) return randomId();
  const digest = createHash('sha256').update(JSON.stringify(asked));
  return `${kind}.${digest.digest('hex').slice(0, 32)}`;
}
