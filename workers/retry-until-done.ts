import { backoffMs, pause } from '../src/core/abort';
import { messageOf } from '../src/core/errors';
import type { Logger } from '../src/core/logger';
import { ContentionError } from '../src/engine/stepper';
import { isRedisAway } from '../src/redis/errors';

const FIRST_RETRY_MS = 50;
const RETRY_CAP_MS = 1_000;

/**
 * Repeats work that must not be lost until it succeeds: only the owner of a browser knows what it observed. Only for
 * work that tolerates a second run. Retries temporary errors only (Redis is away, a session is written to too fast):
 * work that cannot succeed would hold its slot for ever.
 *
 * @throws the abort reason when `signal` is aborted; what `work` throws for any other reason.
 */
export async function retryUntilDone<T>(
  what: string,
  log: Logger,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!isRedisAway(error) && !(error instanceof ContentionError)) throw error;
      log.warn({ what, attempt, err: messageOf(error) }, 'an operation failed; it will be tried again');
      await pause(backoffMs(attempt, FIRST_RETRY_MS, RETRY_CAP_MS), signal);
    }
  }
}
