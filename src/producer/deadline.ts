import { JobError } from './errors';

/** How long Redis may take to answer, or to be reached, milliseconds. */
const REDIS_TIMEOUT_MS = 5_000;

/**
 * Waits for Redis for a limited time: an ioredis client that cannot connect would queue commands without limit.
 *
 * @param trouble - the last error of the connection; null: none
 * @throws JobError `redis_unavailable`; the command may still take effect.
 */
export async function inTime<T>(
  work: Promise<T>,
  jobId: string | null,
  lastError: () => Error | null,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const late = (): void => {
      const cause = lastError();
      const why = cause === null ? '' : `: ${cause.message}`;
      const message = `Redis did not answer in ${REDIS_TIMEOUT_MS} ms${why}`;
      reject(new JobError('redis_unavailable', message, jobId, cause ?? undefined));
    };
    const timer = setTimeout(late, REDIS_TIMEOUT_MS);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
