/** Error codes of the service; docs/api.md explains each. */
export const SERVICE_ERROR_CODES = [
  'malformed_request',
  'unauthorized',
  'forbidden_origin',
  'forbidden',
  'not_found',
  'session_not_found',
  'context_not_found',
  'context_version_not_found',
  'download_not_found',
  'download_quota_exceeded',
  'upload_not_found',
  'upload_quota_exceeded',
  'worker_not_found',
  'file_not_found',
  'job_not_found',
  'key_not_found',
  'method_not_allowed',
  'session_ended',
  'session_not_live',
  'session_id_taken',
  'context_exists',
  'context_in_use',
  'context_not_persisted',
  'storage_state_unknown',
  'contexts_quota_exceeded',
  'too_many_changes',
  'too_many_keys',
  'precondition_failed',
  'body_too_large',
  'context_too_large',
  'unsupported_media_type',
  'invalid_request',
  'idempotency_key_reused',
  'job_not_retryable',
  'not_supported',
  'upgrade_required',
  'quota_exceeded',
  'too_many_failures',
  'too_many_streams',
  'internal_error',
  'browser_unreachable',
  'launch_failed',
  'context_failed',
  'browser_crashed',
  'browser_unresponsive',
  'resource_limit',
  'worker_lost',
  'queue_timeout',
  'redis_unavailable',
  'storage_unavailable',
  'outcome_unknown',
  'newer_version',
  'worker_disk_full',
  'shutting_down',
] as const;

/** Codes of errors that the client itself detects. */
export type ClientErrorCode =
  /** No connection: refused, reset, or unknown host. */
  | 'connection_failed'
  /** No answer within `timeoutMs`. */
  | 'request_timeout'
  /** An answer that the service never gives: another server answers at the URL, or a proxy in between. */
  | 'unexpected_answer'
  /** `waitFor` has reached its `timeoutMs`. */
  | 'wait_timeout'
  /** Puppeteer or Playwright is not installed. */
  | 'library_missing';

/**
 * The code of an error, stable over versions. Later versions of the service may add codes that this client does not
 * know.
 */
export type ErrorCode =
  (typeof SERVICE_ERROR_CODES)[number] | ClientErrorCode | (string & Record<never, never>);

/** One invalid field: an RFC 6901 pointer into the body (or `query/…`, `header/…`) and what is wrong with it. */
export interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

/** Facts of an error besides code and message. */
export interface ErrorFacts {
  readonly status?: number | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfterMs?: number | null | undefined;
  readonly requestId?: string | undefined;
  readonly fields?: readonly FieldError[] | undefined;
  readonly cause?: unknown;
}

/** Every error of this client, except for aborts, which reject with the signal's own reason, as `fetch` does. */
export class HoldfastError extends Error {
  /** HTTP status; null if there was no answer. */
  readonly status: number | null;
  /** Whether the same call may succeed if it is repeated. The client has repeated it already. */
  readonly retryable: boolean;
  /** `Retry-After` of the service, milliseconds; null if there is none. */
  readonly retryAfterMs: number | null;
  /** The id of the request in the service's log; null if there was none. */
  readonly requestId: string | null;
  /** The invalid fields; empty for most errors. */
  readonly fields: readonly FieldError[];

  constructor(
    readonly code: ErrorCode,
    message: string,
    facts: ErrorFacts = {},
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'HoldfastError';
    this.status = facts.status ?? null;
    this.retryable = facts.retryable ?? false;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.requestId = facts.requestId ?? null;
    this.fields = facts.fields ?? [];
  }
}

/** The error with invalid fields, for a call that is refused before it is sent. */
export function refusal(code: ErrorCode, fields: readonly FieldError[]): HoldfastError {
  const texts = fields.map(({ pointer, message }) => `${pointer}: ${message}`);
  return new HoldfastError(code, texts.join('; '), { fields });
}

/** How a session ended. */
export interface SessionEnd {
  /** Null: the service did not name it. */
  readonly sessionId: string | null;
  /** `released`, `failed` or `timed_out`. */
  readonly sessionStatus: string;
  /** Such as `session_timeout` or `browser_crashed`. */
  readonly endReason: string | null;
}

/**
 * The session has ended, but the call needs it live; contains how it ended. The code is `session_ended`; for a create
 * whose session failed it is the end reason, such as `queue_timeout`.
 */
export class SessionEndedError extends HoldfastError implements SessionEnd {
  readonly sessionId: string | null;
  readonly sessionStatus: string;
  readonly endReason: string | null;

  constructor(code: ErrorCode, message: string, end: SessionEnd, facts: ErrorFacts = {}) {
    super(code, message, facts);
    this.name = 'SessionEndedError';
    this.sessionId = end.sessionId;
    this.sessionStatus = end.sessionStatus;
    this.endReason = end.endReason;
  }
}

/**
 * Whether a thrown value is an error of this client with that code. Unlike `instanceof` it works across copies of the
 * package, as when one module imports it and another requires it.
 */
export function isHoldfastError(thrown: unknown, code?: ErrorCode): thrown is HoldfastError {
  return (
    thrown instanceof Error &&
    (thrown.name === 'HoldfastError' || thrown.name === 'SessionEndedError') &&
    'code' in thrown &&
    (code === undefined || thrown.code === code)
  );
}
