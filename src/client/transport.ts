import { openScope, pause } from './cancellation';
import { HoldfastError, SessionEndedError, type FieldError } from './errors';
import { isTemporary, isWorthRepeating, parseRetryAfter, retryDelayMs } from './retry-policy';

/** Options of every call. */
export interface RequestOptions {
  /** Aborts the call, which rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long one attempt may take, milliseconds. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** How often it is retried. Default: the client's. */
  readonly maxRetries?: number | undefined;
}

/**
 * Separates the options of the request from its parameters. Unknown names are sent as parameters, so that the service
 * refuses them: a filter that is silently dropped would select everything.
 */
export function splitRequest<Options extends RequestOptions>({
  signal,
  timeoutMs,
  maxRetries,
  ...asked
}: Options): readonly [request: RequestOptions, asked: Omit<Options, keyof RequestOptions>] {
  return [{ signal, timeoutMs, maxRetries }, asked];
}

/** A value in a query. */
export type QueryValue = string | number | Date | readonly string[] | null | undefined;

/** Parameters as a query with its `?`. Undefined ones are left out; null is sent, for the service to refuse. */
export function queryOf(values: Readonly<Record<string, QueryValue>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined)
      query.set(name, value instanceof Date ? value.toISOString() : String(value ?? ''));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** A body that is sent as it is, and as it comes. */
export type ByteBody = NonNullable<RequestInit['body']>;

/** One request. */
export interface Call extends RequestOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Sent instead of `body`, with {@link Transport.open} only: a stream cannot be sent again. */
  readonly bytes?: ByteBody | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The body of the answer is plain text, not JSON. */
  readonly isText?: boolean | undefined;
}

/** The answer of a call: 2xx, or 304 if the call was conditional. */
export interface Answer {
  readonly status: number;
  /** The parsed JSON, or the text if that was requested; null for a 304 and a 204. */
  readonly body: unknown;
  readonly headers: Headers;
}

/** Options of {@link Transport}. */
export interface TransportOptions {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  readonly maxRetries: number;
  readonly fetch: typeof globalThis.fetch;
}

/** Sends requests, and retries them where that may help. */
export class Transport {
  constructor(private readonly options: TransportOptions) {}

  /**
   * One call, repeated up to `maxRetries` times. All its attempts carry one request id, and the same Idempotency-Key if
   * the call has one, so that the service recognises them as one call.
   *
   * @throws HoldfastError of the last attempt; the signal's reason if it is aborted.
   */
  async send(call: Call): Promise<Answer> {
    const headers = this.#headersOf(call);
    const maxRetries = call.maxRetries ?? this.options.maxRetries;
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#attempt(call, headers);
      if (!(answer instanceof HoldfastError)) return answer;
      if (attempt >= maxRetries || !isWorthRepeating(answer)) throw answer;
      await pause(retryDelayMs(answer, attempt), call.signal);
    }
  }

  /**
   * One call whose answer the caller reads as it comes. Not retried and without a time-out: only the reader knows what
   * is missing, and how long a pause is normal.
   *
   * @throws HoldfastError for all but a 2xx; the signal's reason if it is aborted.
   */
  async open(call: Call): Promise<Response> {
    const headers = this.#headersOf(call);
    let response: Response;
    try {
      response = await this.#fetch(call, headers, call.signal);
    } catch (error) {
      call.signal?.throwIfAborted();
      throw this.#unanswered(error, false, headers);
    }
    if (!response.ok) throw problem(response, parse(await response.text()));
    return response;
  }

  #headersOf({ body, headers = {} }: Call): Headers {
    const { apiKey } = this.options;
    return new Headers({
      accept: 'application/json',
      'x-request-id': crypto.randomUUID(),
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    });
  }

  async #attempt(call: Call, headers: Headers): Promise<Answer | HoldfastError> {
    const { signal } = call;
    signal?.throwIfAborted();
    const scope = openScope(call.timeoutMs ?? this.options.timeoutMs, signal);
    try {
      const response = await this.#fetch(call, headers, scope.signal);
      const text = await response.text();
      return call.isText === true && response.ok
        ? { status: response.status, body: text, headers: response.headers }
        : read(response, text);
    } catch (error) {
      signal?.throwIfAborted();
      return this.#unanswered(error, scope.expired, headers);
    } finally {
      scope.close();
    }
  }

  async #fetch(call: Call, headers: Headers, signal?: AbortSignal): Promise<Response> {
    const { method, path, body, bytes } = call;
    // Destructured: as a method it would be called with the options as `this`, which fetch of edge runtimes refuses.
    const { fetch } = this.options;
    return fetch(`${this.options.baseUrl}${path}`, {
      method,
      headers,
      // When a redirect is followed, a POST becomes a GET, and the API key may be sent to another server.
      redirect: 'manual',
      ...(signal === undefined ? {} : { signal }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // `duplex` is required for streams; the answer comes after the body in any case.
      ...(bytes === undefined ? {} : { body: bytes, duplex: 'half' }),
    });
  }

  #unanswered(error: unknown, expired: boolean, headers: Headers): HoldfastError {
    const { baseUrl } = this.options;
    const facts = { retryable: true, requestId: headers.get('x-request-id') ?? undefined, cause: error };
    return expired
      ? new HoldfastError('request_timeout', `${baseUrl} did not answer in time.`, facts)
      : new HoldfastError('connection_failed', `${baseUrl} cannot be reached: ${reasonOf(error)}`, facts);
  }
}

function read(response: Response, text: string): Answer | HoldfastError {
  const { status, headers } = response;
  if (status === 204 || status === 304) return { status, body: null, headers };
  const body = parse(text);
  if (!response.ok) return problem(response, body);
  if (body !== undefined) return { status, body, headers };
  return new HoldfastError(
    'unexpected_answer',
    `${response.url} did not send an answer of Holdfast: check the base URL.`,
    {
      status,
    },
  );
}

function parse(text: string): object | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    // Not JSON, so not from the service; the caller of this function reports it.
    return undefined;
  }
}

/** The body of an error, RFC 9457. Its types are not trusted: a proxy in between may have answered. */
interface Problem {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly retryable?: unknown;
  readonly errors?: unknown;
  readonly sessionId?: unknown;
  readonly sessionStatus?: unknown;
  readonly endReason?: unknown;
}

function problem(response: Response, body: Problem = {}): HoldfastError {
  const { status, headers } = response;
  const location = headers.get('location');
  const message =
    typeof body.message === 'string'
      ? body.message
      : `${response.url} answered ${status}${location === null ? '' : ` with a redirect to ${location}`}.`;
  const facts = {
    status,
    retryable: typeof body.retryable === 'boolean' ? body.retryable : isTemporary(status),
    retryAfterMs: parseRetryAfter(headers.get('retry-after')),
    requestId: headers.get('x-request-id') ?? undefined,
    // SAFETY: the service sends pairs of pointer and message; only shown to people.
    fields: Array.isArray(body.errors) ? (body.errors as FieldError[]) : [],
  };
  const code = typeof body.code === 'string' ? body.code : 'unexpected_answer';
  const { sessionStatus } = body;
  if (typeof sessionStatus !== 'string') return new HoldfastError(code, message, facts);
  const end = { sessionId: textOrNull(body.sessionId), sessionStatus, endReason: textOrNull(body.endReason) };
  return new SessionEndedError(code, message, end, facts);
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/*
 * The message of a fetch error says only that it failed. Its `cause` has more, sometimes only a code: if several
 * addresses were refused.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message !== '' || !('code' in cause) ? cause.message : String(cause.code);
}
