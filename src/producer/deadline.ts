import { JobError } from './errors';

/** How long Redis may take to answer, or to be reached, milliseconds. */
export const REDIS_TIMEOUT_MS = 5_000;

/**
 * Waits for Redis, but not for ever: a client that cannot connect keeps what it is told for later.
 *
 * @param trouble - what the connection has met with last; null: nothing
 * @throws JobError `redis_unavailable`; what was asked may still take effect.
 */
export async function inTime<T>(
  work: Promise<T>,
  jobId: string | null,
  trouble: () => Error | null,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const late = (): void => {
      const cause = trouble();
      const why = cause === null ? '' : `: ${cause.message}`;
      const message = `Redis did not answer in ${REDIS_TIMEOUT_MS} ms${why}`;
      reject(new JobError('redis_unavailable', message, jobId, cause ?? undefined));
    };
    const timer = setTimeout(late, REDIS_TIMEOUT_MS);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
