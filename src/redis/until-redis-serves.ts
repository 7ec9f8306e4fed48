import { pause } from '../core/abort';
import type { Logger } from '../core/logger';
import { isRedisAway } from './errors';

/** A process that starts is of use within a second of Redis' coming back. */
const RETRY_EVERY_MS = 100;

/**
 * Does what a start cannot go on without, again and again for as long as Redis is away or refuses to write: its disk is
 * full (MISCONF), its memory is (OOM), it is a replica (READONLY). Says so once. Only for work that tolerates a second run.
 *
 * @throws whatever else goes wrong; the signal's reason when it is aborted.
 */
export async function untilRedisServes<T>(
  what: string,
  log: Logger,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const result = await work();
      if (attempt > 1) log.info({ what, attempt }, 'Redis serves, the start goes on');
      return result;
    } catch (error) {
      if (!isRedisAway(error)) throw error;
      if (attempt === 1)
        log.warn({ what, err: error }, 'Redis does not serve, the start waits until it does');
      await pause(RETRY_EVERY_MS, signal);
      signal?.throwIfAborted();
    }
  }
}
