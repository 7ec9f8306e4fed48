/** Codes of what the producer finds out by itself; all others come from the service, and its documentation explains them. */
export type ProducerErrorCode =
  /** What was asked for cannot be a job: nothing was sent. The service has the same code for what it refuses. */
  | 'invalid_request'
  /** Redis did not answer in time. */
  | 'redis_unavailable'
  /** There was no result within `timeoutMs`; the job goes on. */
  | 'wait_timeout'
  /** The job was taken back before anybody had begun with it. */
  | 'cancelled'
  /** Nobody knows the job: it ended more than an hour ago, or never was. */
  | 'job_not_found'
  /** The producer was closed while somebody waited. */
  | 'closed';

/** Why a job has no result. The code is stable over versions; new ones may come. */
export type JobErrorCode = ProducerErrorCode | (string & Record<never, never>);

/** A job that failed, or whose result cannot be had. */
export class JobError extends Error {
  constructor(
    /** Such as `queue_timeout`, `launch_failed`, `step_failed`, `invalid_request`. */
    readonly code: JobErrorCode,
    message: string,
    /** Null: there is none yet. */
    readonly jobId: string | null,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'JobError';
  }
}

/**
 * Whether something thrown is an error of this producer with that code. Unlike `instanceof` it holds across copies of the
 * package, as when one module imports it and another requires it.
 */
export function isJobError(thrown: unknown, code?: JobErrorCode): thrown is JobError {
  return (
    thrown instanceof Error &&
    thrown.name === 'JobError' &&
    'code' in thrown &&
    (code === undefined || thrown.code === code)
  );
}

/** `code: message`, as every failed job says it. */
export function errorOfReason(reason: string, jobId: string): JobError {
  const [, code, message] = /^([a-z][a-z_]*): ([^]*)$/.exec(reason) ?? [];
  return new JobError(code ?? 'internal_error', message ?? reason, jobId);
}
