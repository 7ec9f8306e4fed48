import type { TestRedis } from './redis';
import { pollUntil } from './poll-until';

/** A lease, and some time for the processes of a test to connect to their Redis. */
const ACTIVE_AFTER_S = 12;

/**
 * Waits until the reapers of a test may act: their own contact with this Redis must be longer than a lease. A test that
 * measures how soon a dead worker is noticed has to begin after that.
 */
export async function untilReaperIsActive(redis: TestRedis): Promise<void> {
  await pollUntil('Redis to be up for longer than a lease', { timeoutMs: 20_000, everyMs: 200 }, async () => {
    const info = await redis.cli('info', 'server');
    return Number(/uptime_in_seconds:(\d+)/.exec(info)?.[1]) > ACTIVE_AFTER_S ? true : undefined;
  });
}
