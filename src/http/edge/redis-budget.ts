import { DeadlineExceededError, withDeadline } from '../../core/abort';
import { ServiceError } from '../../core/errors';

/**
 * How long one request may wait for Redis, all its commands together; a requested wait is not counted (I15). The rest
 * of the 2.5 s is for what else a request does: the first one to the queue board loads it, which takes up to 300 ms.
 */
const REDIS_BUDGET_MS = 2_200;

/**
 * Bounds the Redis work of a request. The result of work that misses the deadline is dropped; the work may still take
 * effect, as with any 503.
 *
 * @throws ServiceError `redis_unavailable` when the budget is used up; anything that `work` throws.
 */
export async function withinRedisBudget<T>(work: Promise<T>): Promise<T> {
  try {
    return await withDeadline('Redis', REDIS_BUDGET_MS, work);
  } catch (error) {
    if (!(error instanceof DeadlineExceededError)) throw error;
    throw new ServiceError('redis_unavailable', 'Redis did not answer in time.', { cause: error });
  }
}
