import { HoldfastError, type ErrorCode } from '../core/errors';
import { isRedisAway } from '../redis/errors';
import type { SessionOutline } from './parts';

/** Ends a job with a reason of the form `code: message`; the code is an end reason, or one of the catalogue of errors. */
export class JobFailure extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'JobFailure';
  }
}

/** What a job is told of a session that ended before it was wanted to: its end reason is the code. */
export function endedEarly(session: SessionOutline): JobFailure {
  const why = session.error === null ? '' : `: ${session.error.message}`;
  return new JobFailure(
    session.endReason ?? session.status,
    `session ${session.id} is ${session.status} and never was live${why}`,
  );
}

const PASSING: readonly ErrorCode[] = ['redis_unavailable', 'outcome_unknown', 'newer_version'];

/** Whether trying again later is the answer: Redis is away, an outcome is not known yet, or is for a newer process. */
export function isPassing(error: unknown): boolean {
  if (error instanceof HoldfastError) {
    return PASSING.includes(error.code);
  }
  return isRedisAway(error);
}

/** The code of whatever ended a job; null for what is nobody's fault but ours. */
export function codeOf(error: unknown): string | null {
  return error instanceof HoldfastError || error instanceof JobFailure ? error.code : null;
}
