import { openScope, pause } from './cancellation';
import { HoldfastError, SessionEndedError, type FieldError } from './errors';
import { isPassing, isWorthRepeating, parseRetryAfter, retryDelayMs } from './retry-policy';

/** What every call takes. */
export interface RequestOptions {
  /** Gives up: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long one attempt may take, milliseconds. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** How often it is tried again. Default: the client's. */
  readonly maxRetries?: number | undefined;
}

/**
 * Tells how to ask apart from what is asked for. Whatever nobody knows is asked for: the service refuses it, where a
 * filter that is dropped in silence would select everything.
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

/** What was asked for as a query with its `?`; without what is undefined, while null is for the service to refuse. */
export function queryOf(values: Readonly<Record<string, QueryValue>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined)
      query.set(name, value instanceof Date ? value.toISOString() : String(value ?? ''));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** One request. */
export interface Call extends RequestOptions {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The body of the answer is a text as it is, not JSON. */
  readonly isText?: boolean | undefined;
}

/** Its answer: 2xx, or 304 where the call was conditional. */
export interface Answer {
  readonly status: number;
  /** What the JSON says; the text if that was asked for; null for a 304 and a 204. */
  readonly body: unknown;
}

/** How the service is reached. */
export interface TransportOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  readonly maxRetries: number;
  readonly fetch: typeof globalThis.fetch;
}

/** Sends requests, and sends them again where that may help. */
export class Transport {
  constructor(private readonly options: TransportOptions) {}

  /**
   * One call, repeated up to `maxRetries` times. All its attempts carry one request id, and one Idempotency-Key if the
   * call has any, so that the service can tell that they are one.
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
   * One call whose answer is read as it comes, by the caller. Not repeated and without a time-out: only who reads knows
   * what is missing, and for how long nothing may come.
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
        ? { status: response.status, body: text }
        : read(response, text);
    } catch (error) {
      signal?.throwIfAborted();
      return this.#unanswered(error, scope.expired, headers);
    } finally {
      scope.close();
    }
  }

  async #fetch({ method, path, body }: Call, headers: Headers, signal?: AbortSignal): Promise<Response> {
    // Unbound, it would be called with the options as `this`, which fetch of edge runtimes does not take.
    const { fetch } = this.options;
    return fetch(`${this.options.baseUrl}${path}`, {
      method,
      headers,
      // A POST that follows a redirect becomes a GET, and a key may go where it should not.
      redirect: 'manual',
      ...(signal === undefined ? {} : { signal }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
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
  const { status } = response;
  if (status === 204 || status === 304) return { status, body: null };
  const body = parse(text);
  if (!response.ok) return problem(response, body);
  if (body !== undefined) return { status, body };
  return new HoldfastError('unexpected_answer', `${response.url} does not answer like Holdfast.`, {
    status,
  });
}

function parse(text: string): object | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    // Not JSON, so not from the service; the caller says so.
    return undefined;
  }
}

/** The body of an error, RFC 9457, as far as it can be trusted: anybody may stand between us and the service. */
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
      : `${response.url} answered ${status}${location === null ? '' : ` and points to ${location}`}.`;
  const facts = {
    status,
    retryable: typeof body.retryable === 'boolean' ? body.retryable : isPassing(status),
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

/* fetch says only that it has failed. Its `cause` knows more, if only a code: one of several addresses, all refused. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message !== '' || !('code' in cause) ? cause.message : String(cause.code);
}
