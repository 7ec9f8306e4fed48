/**
 * Codes of errors that the producer itself detects; all others come from the service, and its documentation explains
 * them.
 */
export type ProducerErrorCode =
  /** The arguments are not valid; nothing was sent. The service uses the same code for jobs that it refuses. */
  | 'invalid_request'
  /** Redis did not answer in time. */
  | 'redis_unavailable'
  /** There was no result within `timeoutMs`; the job continues. */
  | 'wait_timeout'
  /** The job was removed before it was started. */
  | 'cancelled'
  /** There is no such job: it ended more than an hour ago, or never existed. */
  | 'job_not_found'
  /** The producer was closed during the wait. */
  | 'closed';

/** Why a job has no result. Codes are stable over versions; new ones may be added. */
export type JobErrorCode = ProducerErrorCode | (string & Record<never, never>);

/** A job that failed, or whose result is not available. */
export class JobError extends Error {
  constructor(
    /** Such as `queue_timeout`, `launch_failed`, `step_failed`, `invalid_request`. */
    readonly code: JobErrorCode,
    message: string,
    /** Null: the job has no id yet. */
    readonly jobId: string | null,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'JobError';
  }
}

/**
 * Whether a thrown value is an error of this producer with that code. Unlike `instanceof` it works across copies of the
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

/** Parses `code: message`, the reason of every failed job. */
export function errorOfReason(reason: string, jobId: string): JobError {
  const [, code, message] = /^([a-z][a-z_]*): ([^]*)$/.exec(reason) ?? [];
  return new JobError(code ?? 'internal_error', message ?? reason, jobId);
}
