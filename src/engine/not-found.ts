import { ServiceError } from '../core/errors';

/* What is not there, or belongs to another tenant: the answer is the same (I14). */

/** The error for a session that does not exist. */
export const sessionNotFound = (): ServiceError =>
  new ServiceError('session_not_found', 'There is no such session.');

/** The error for a worker that does not exist. */
export const workerNotFound = (): ServiceError =>
  new ServiceError('worker_not_found', 'There is no such worker.');

/** The error for a job that is not in quarantine. */
export const jobNotFound = (): ServiceError =>
  new ServiceError('job_not_found', 'There is no such job in quarantine.');
