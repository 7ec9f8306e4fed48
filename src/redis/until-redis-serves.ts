import { pause } from '../core/abort';
import type { Logger } from '../core/logger';
import { isRedisAway } from './errors';

/** Short enough that a starting process is ready within a second after Redis is back. */
const RETRY_EVERY_MS = 100;

/**
 * Retries work that a start depends on, as long as Redis is away or refuses to write: its disk is full (MISCONF), its
 * memory is full (OOM), or it is a replica (READONLY). Logs this once. Only for work that tolerates a second run.
 *
 * @throws any other error; the signal's reason when it is aborted.
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
      if (attempt > 1) log.info({ what, attempt }, 'Redis is ready, the start continues');
      return result;
    } catch (error) {
      if (!isRedisAway(error)) throw error;
      if (attempt === 1) log.warn({ what, err: error }, 'Redis is not ready, the start waits for it');
      await pause(RETRY_EVERY_MS, signal);
      signal?.throwIfAborted();
    }
  }
}
