import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { ServiceError } from './errors';

/** After so many checks without a byte a slow body is late. */
const SILENT_CHECKS_MAX = 10;

/** How long the rest of a body that nobody wants may still come. */
const REST_MS = 2_000;

const limits = new WeakMap<IncomingMessage, BodyLimit>();

/**
 * Gives a body `limitMs` to be there as a whole, then calls `onLate` once. Node's own `requestTimeout` does the same,
 * but for all requests of a server alike: the body of a file may take longer, as long as it moves.
 */
export function limitBody(request: IncomingMessage, limitMs: number, onLate: () => void): void {
  const { 'transfer-encoding': coding, 'content-length': length = '0' } = request.headers;
  if (coding === undefined && Number(length) === 0) return;
  const limit = new BodyLimit(request, onLate);
  limits.set(request, limit);
  limit.within(limitMs);
}

/** Allows a body to be slow: it is late only if nothing of it comes for `silenceMs` while there is room for it. */
export function allowSlowBody(request: IncomingMessage, silenceMs: number): void {
  limits.get(request)?.whileMoving(silenceMs);
}

/**
 * Discards the rest of a body that will be answered before it is there. The connection stays open for it, for a short
 * time: if it were closed while the client is still sending, its reset could overtake the answer. Called before the
 * answer is written.
 */
export function dropBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  // Node would close the connection with the answer if the client has asked for that.
  response.shouldKeepAlive = true;
  request.unpipe();
  request.resume();
  limits.get(request)?.endWithin(REST_MS);
}

/**
 * The body as a stream of its own, which can be destroyed without closing the connection, so that the request can still
 * be answered. It fails with `malformed_request` if the client disconnects.
 */
export function bodyOf(request: IncomingMessage): Readable {
  const body = new PassThrough();
  // Without a listener an error before the first read would end the process.
  body.on('error', () => undefined);
  request.once('error', cause => body.destroy(endedEarly(cause)));
  if (request.destroyed && !request.complete) body.destroy(endedEarly(request.errored));
  return request.pipe(body);
}

/** The error for a body that has broken off. */
const endedEarly = (cause: unknown): ServiceError =>
  new ServiceError('malformed_request', 'The body ended early.', { cause });

class BodyLimit {
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly request: IncomingMessage,
    private readonly onLate: () => void,
  ) {
    request.once('close', () => this.#clear());
  }

  within(limitMs: number): void {
    this.#clear();
    this.#timer = setTimeout(() => this.#late(), limitMs).unref();
  }

  /* Counts checks, not time: time in which this process itself was stopped must not count against the client. */
  whileMoving(silenceMs: number): void {
    this.#clear();
    const { request } = this;
    if (request.destroyed) return;
    let [bytes, silentChecks] = [request.socket.bytesRead, 0];
    this.#timer = setInterval(() => {
      const moves = request.socket.bytesRead > bytes || request.readableLength > 0;
      [bytes, silentChecks] = [request.socket.bytesRead, moves ? 0 : silentChecks + 1];
      if (silentChecks >= SILENT_CHECKS_MAX) this.#late();
    }, silenceMs / SILENT_CHECKS_MAX).unref();
  }

  endWithin(limitMs: number): void {
    this.#clear();
    const { request } = this;
    if (request.complete || request.destroyed) return;
    this.#timer = setTimeout(() => request.complete || request.socket.destroy(), limitMs).unref();
  }

  #late(): void {
    this.#clear();
    if (!this.request.complete) this.onLate();
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
