/** What a coded error means for a client. */
export interface ErrorSpec {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Whether the same request may succeed if it is repeated. */
  readonly retryable: boolean;
  /** One line for the table in docs/api.md. */
  readonly title: string;
}

/** The one catalogue of errors; the table in docs/api.md is tested against it. */
export const ERROR_CATALOGUE = {
  malformed_request: { status: 400, retryable: false, title: 'The request could not be parsed' },
  unauthorized: { status: 401, retryable: false, title: 'No valid API key or token' },
  forbidden_origin: { status: 403, retryable: false, title: 'The Host or Origin header is not allowed' },
  forbidden: { status: 403, retryable: false, title: 'The API key lacks the scope that this needs' },
  not_found: { status: 404, retryable: false, title: 'No such route' },
  session_not_found: { status: 404, retryable: false, title: 'No such session' },
  context_not_found: { status: 404, retryable: false, title: 'No such context' },
  context_version_not_found: {
    status: 404,
    retryable: false,
    title: 'The context has no such version, or it was dropped',
  },
  download_not_found: { status: 404, retryable: false, title: 'No finished download of this name' },
  upload_not_found: { status: 404, retryable: false, title: 'No upload of this name' },
  file_not_found: { status: 404, retryable: false, title: 'No such file, or it has expired' },
  worker_not_found: { status: 404, retryable: false, title: 'No such worker' },
  job_not_found: { status: 404, retryable: false, title: 'No such job in quarantine' },
  key_not_found: { status: 404, retryable: false, title: 'No such API key' },
  method_not_allowed: { status: 405, retryable: false, title: 'The route does not support this method' },
  session_ended: { status: 409, retryable: false, title: 'The session has ended' },
  session_not_live: { status: 409, retryable: true, title: 'The session is not live yet' },
  session_id_taken: { status: 409, retryable: false, title: 'The session id is in use with another body' },
  context_exists: { status: 409, retryable: false, title: 'Another context has the name' },
  context_in_use: {
    status: 409,
    retryable: false,
    title: 'Another session saves into the context',
  },
  contexts_quota_exceeded: {
    status: 409,
    retryable: false,
    title: 'The contexts of this API key are too large',
  },
  storage_state_unknown: {
    status: 409,
    retryable: false,
    title: 'The version has no readable cookies and storage',
  },
  context_not_persisted: { status: 409, retryable: false, title: 'The session does not save into a context' },
  too_many_keys: { status: 409, retryable: false, title: 'The installation has too many API keys' },
  too_many_changes: { status: 409, retryable: false, title: 'The session has been changed too often' },
  download_quota_exceeded: {
    status: 410,
    retryable: false,
    title: 'The download was cut off: a quota of the session or its tenant is used up',
  },
  precondition_failed: {
    status: 412,
    retryable: false,
    title: 'The session or context has another revision',
  },
  upload_quota_exceeded: {
    status: 413,
    retryable: false,
    title: 'A quota for uploads of the session or its tenant is used up',
  },
  body_too_large: { status: 413, retryable: false, title: 'The body is too large' },
  context_too_large: { status: 413, retryable: false, title: 'The context is too large to be saved' },
  unsupported_media_type: { status: 415, retryable: false, title: 'The body has another media type' },
  invalid_request: { status: 422, retryable: false, title: 'A field has an invalid value' },
  idempotency_key_reused: {
    status: 422,
    retryable: false,
    title: 'The Idempotency-Key was used with another body',
  },
  job_not_retryable: { status: 422, retryable: false, title: 'The job would go into quarantine again' },
  not_supported: { status: 422, retryable: false, title: 'The field is known but not supported' },
  upgrade_required: { status: 426, retryable: false, title: 'This URL needs a WebSocket upgrade' },
  quota_exceeded: { status: 429, retryable: true, title: 'A quota of this API key is used up' },
  too_many_failures: {
    status: 429,
    retryable: true,
    title: 'The address has sent too many wrong API keys',
  },
  too_many_streams: { status: 429, retryable: true, title: 'Too many event streams are open' },
  internal_error: { status: 500, retryable: true, title: 'The service failed' },
  browser_unreachable: { status: 502, retryable: true, title: 'The browser could not be reached' },
  launch_failed: { status: 502, retryable: true, title: 'The browser of the session did not start' },
  context_failed: {
    status: 409,
    retryable: false,
    title: 'The context of the session could not be mounted',
  },
  browser_crashed: { status: 502, retryable: true, title: 'The browser of the session crashed' },
  browser_unresponsive: {
    status: 502,
    retryable: true,
    title: 'The browser of the session stopped answering',
  },
  resource_limit: {
    status: 409,
    retryable: false,
    title: 'The browser of the session reached one of its limits',
  },
  worker_lost: { status: 502, retryable: true, title: 'The worker of the session was lost' },
  queue_timeout: { status: 503, retryable: true, title: 'No worker had a slot for the session in time' },
  redis_unavailable: { status: 503, retryable: true, title: 'Redis did not answer in time' },
  storage_unavailable: { status: 503, retryable: true, title: 'The storage of contexts did not answer' },
  outcome_unknown: {
    status: 503,
    retryable: true,
    title: 'The command was accepted but not confirmed in time',
  },
  newer_version: {
    status: 503,
    retryable: true,
    title: 'A newer version of the service wrote this session',
  },
  worker_disk_full: { status: 507, retryable: true, title: 'The disk of the worker is full' },
  shutting_down: { status: 503, retryable: true, title: 'This process is shutting down' },
} as const satisfies Record<string, ErrorSpec>;

/** The stable code of an error. */
export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** One invalid field: an RFC 6901 pointer into the body (or `query`/`header` name) and what is wrong with it. */
export interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

/** An error with a code from the catalogue; anything else that reaches a caller is an `internal_error`. */
export class ServiceError extends Error {
  readonly status: number;
  readonly retryable: boolean;
  readonly fields: readonly FieldError[];
  /** Further members of the error's body, such as how a session ended. */
  readonly details: Readonly<Record<string, string | null>>;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: {
      fields?: readonly FieldError[];
      /** Overrides the catalogue's value. */
      retryable?: boolean;
      details?: Readonly<Record<string, string | null>>;
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ServiceError';
    this.status = ERROR_CATALOGUE[code].status;
    this.retryable = options.retryable ?? ERROR_CATALOGUE[code].retryable;
    this.fields = options.fields ?? [];
    this.details = options.details ?? {};
  }
}

/** The message of any thrown value. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The code of a system error, such as `ENOENT`; null for anything else that was thrown. */
export function systemCodeOf(thrown: unknown): string | null {
  const isCoded = typeof thrown === 'object' && thrown !== null && 'code' in thrown;
  return isCoded && typeof thrown.code === 'string' ? thrown.code : null;
}
