import { JobError } from './errors';

/** How long Redis may take to answer, or to be reached, milliseconds. */
export const REDIS_TIMEOUT_MS = 5_000;

/**
 * Waits for Redis, but not for ever: a client that cannot connect keeps what it is told for later.
 *
 * @throws JobError `redis_unavailable`; what was asked may still take effect.
 */
export async function inTime<T>(work: Promise<T>, jobId: string | null): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const late = (): void =>
      reject(new JobError('redis_unavailable', `Redis did not answer in ${REDIS_TIMEOUT_MS} ms.`, jobId));
    const timer = setTimeout(late, REDIS_TIMEOUT_MS);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
