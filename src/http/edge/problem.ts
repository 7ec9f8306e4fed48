import { STATUS_CODES } from 'node:http';
import { NewerMachineVersionError } from '../../../machines/session/session.versions';
import { ERROR_CATALOGUE, ServiceError, type ErrorCode, type FieldError } from '../../core/errors';
import { QuotaExceededError } from '../../core/quota-exceeded';
import { TooManyFailuresError } from '../../core/too-many-failures';
import { newerVersion } from '../../engine/newer-version';
import { isRedisAway } from '../../redis/errors';
import { budgetHeaders } from './budget-headers';

/** Media type of error bodies (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json';

/** `Retry-After` of a 503, seconds. */
const RETRY_AFTER_SECONDS = 1;

/** The body of every error: RFC 9457, and `message` for the clients that print only that. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly requestId: string;
  readonly retryable: boolean;
  readonly errors: readonly FieldError[];
  /** Further members of certain errors, such as `sessionStatus`. */
  readonly [detail: string]: unknown;
}

/** An error as an answer; over HTTP and as the refusal of an upgrade alike. */
export interface AnsweredError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Is sent as JSON. */
  readonly body: object;
}

/** @see AnsweredError */
export interface ProblemAnswer extends AnsweredError {
  readonly body: Problem;
}

/**
 * How the clients of a dialect are told of an error. `status` is what the listener answers with in place of the
 * catalogue's.
 */
export type ErrorAnswer = (error: ServiceError, asked: Asked, status?: number) => AnsweredError;

/** What an answer repeats of its request. */
export interface Asked {
  readonly requestId: string;
  /** Path without the query, which may contain a token. */
  readonly path: string;
}

/** Turns any thrown value into a coded error; an unexpected one is an `internal_error` without details. */
export function codedError(thrown: unknown): ServiceError {
  if (thrown instanceof ServiceError) return thrown;
  if (isRedisAway(thrown)) {
    return new ServiceError('redis_unavailable', 'Redis does not answer.', { cause: thrown });
  }
  if (thrown instanceof NewerMachineVersionError) return newerVersion(thrown);
  return new ServiceError(
    'internal_error',
    'The service failed. Its logs have details under the request id.',
    {
      cause: thrown,
    },
  );
}

/** @param status - overrides the status of the catalogue */
export function problemAnswer(
  error: ServiceError,
  asked: Asked,
  status: number = error.status,
): ProblemAnswer {
  const { code, message, retryable, fields, details } = error;
  return {
    status,
    headers: {
      'content-type': PROBLEM_TYPE,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-request-id': asked.requestId,
      // Clients made by Stainless, such as Steel's, would repeat a 409.
      'x-should-retry': String(retryable),
      ...limitHeaders(error),
      ...(status === 503 && retryable ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
    body: {
      ...details,
      type: `urn:holdfast:error:${code}`,
      title: ERROR_CATALOGUE[code].title,
      status,
      detail: message,
      instance: asked.path,
      code,
      message,
      requestId: asked.requestId,
      retryable,
      errors: fields,
    },
  };
}

/** What those are told who have asked for too much: when to try again, and by a quota all their budgets. */
export function limitHeaders(error: ServiceError): Readonly<Record<string, string>> {
  if (error instanceof TooManyFailuresError) return retryAfter(error.retryAfterMs);
  if (!(error instanceof QuotaExceededError)) return {};
  const { retryAfterMs, budgets } = error;
  return { ...(retryAfterMs === null ? {} : retryAfter(retryAfterMs)), ...budgetHeaders(budgets) };
}

const retryAfter = (ms: number): Readonly<Record<string, string>> => ({
  'retry-after': String(Math.ceil(ms / 1_000)),
});

/** The answer as text, for a socket without an HTTP response object: a refused upgrade or an unreadable request. */
export function rawResponse({ status, headers, body }: AnsweredError): string {
  const text = JSON.stringify(body);
  const all = { ...headers, 'content-length': String(Buffer.byteLength(text)), connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n${text}`;
}
