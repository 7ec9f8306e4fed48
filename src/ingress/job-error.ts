import type { SessionData } from '../client/session';
import { ServiceError, type ErrorCode } from '../core/errors';
import { isRedisAway } from '../redis/errors';

/**
 * Ends a job with a reason of the form `code: message`; the code is an end reason or one of the catalogue of errors.
 */
export class JobFailure extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'JobFailure';
  }
}

/**
 * The failure of a job whose session has ended too early. The code is the end reason if the session was never live,
 * else `session_ended`.
 */
export function endedEarly({ id, status, endReason, error }: SessionData, wasLive: boolean): JobFailure {
  const reason = endReason ?? status;
  if (wasLive) return new JobFailure('session_ended', `session ${id} was live and is ${status} (${reason})`);
  const why = error === null ? '' : `: ${error.message}`;
  return new JobFailure(reason, `session ${id} is ${status} and was never live${why}`);
}

const TEMPORARY_CODES: readonly ErrorCode[] = ['redis_unavailable', 'outcome_unknown', 'newer_version'];

/**
 * Whether the error is temporary, so that a retry may help: Redis is away, an outcome is not known yet, or a newer
 * process must handle it.
 */
export function isTemporary(error: unknown): boolean {
  if (error instanceof ServiceError) {
    return TEMPORARY_CODES.includes(error.code);
  }
  return isRedisAway(error);
}

/** The code of the error that ended a job; null for a fault of Holdfast itself. */
export function codeOf(error: unknown): string | null {
  return error instanceof ServiceError || error instanceof JobFailure ? error.code : null;
}
