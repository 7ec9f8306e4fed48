import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Socket, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { pause, withDeadline } from '../../core/abort';
import { ServiceError } from '../../core/errors';
import { randomId } from '../../core/ids';
import { limitBody } from '../../core/request-body';
import { problemAnswer, rawResponse, type ErrorAnswer } from './problem';

/** How long requests may still be answered after the close has begun. */
const CLOSE_GRACE_MS = 2_000;

/** Limits for clients that send slowly, or too much. */
const LIMITS = {
  headersTimeout: 10_000,
  // Bodies have limits of their own: an upload may take longer.
  requestTimeout: 0,
  // Longer than the idle time-outs of usual proxies in front, which would otherwise send requests on closed
  // connections.
  keepAliveTimeout: 75_000,
  maxHeaderSize: 16_384,
  // How often Node checks for connections that exceed the first limit.
  connectionsCheckingInterval: 2_000,
} as const;

/** The same for the TLS handshake. Older versions of TLS than 1.2 are off in Node. */
const TLS = { handshakeTimeout: 10_000 } as const;

/** How long a body may take, unless its route allows more. */
const BODY_LIMIT_MS = 30_000;

/** How a listener differs from that of the API. */
export interface ListenerOptions {
  /** Certificate (with its chain) and key, PEM; the listener then speaks TLS only. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** How it answers for itself: while the service starts, and what it cannot read. */
  readonly answerTo?: ErrorAnswer;
}

/** Takes a connection over after an upgrade request. */
export type UpgradeListener = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/**
 * A listening socket of the API. It listens before Redis is there: until `serve` is called, it answers `/livez`, and
 * 503 to everything else.
 */
export class Listener {
  readonly #server: Server;
  /** All connections of a TLS listener: the HTTP server does not know those that have not shaken hands yet. */
  readonly #connections = new Set<Socket>();
  #onRequest: RequestListener;
  #onUpgrade: UpgradeListener;

  constructor({ tls, answerTo = problemAnswer }: ListenerOptions = {}) {
    this.#onRequest = answerStarting(answerTo);
    this.#onUpgrade = (request, socket) => refuseUpgrade(request, socket, starting(), { answerTo });
    const onRequest: RequestListener = (request, response) => {
      limitBody(request, BODY_LIMIT_MS, () => answerLate(request, response, answerTo));
      this.#onRequest(request, response);
    };
    this.#server =
      tls === undefined
        ? createServer(LIMITS, onRequest)
        : createTlsServer({ ...LIMITS, ...TLS, ...tls }, onRequest);
    if (tls !== undefined) this.#server.on('connection', (socket: Socket) => this.#note(socket));
    this.#server.on('upgrade', (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
      // A broken client connection needs no handling here; `close` follows, which the user of the socket handles.
      duplex.on('error', () => undefined);
      // The server hands over the TCP or TLS socket itself; only the types allow for other transports.
      if (duplex instanceof Socket) this.#onUpgrade(request, duplex, head);
      else duplex.destroy();
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, duplex: Duplex) =>
      answerUnreadable(error, duplex, answerTo),
    );
  }

  /**
   * Starts to listen; resolves with the port.
   *
   * @throws if the address is in use or not one of this machine.
   */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    // SAFETY: a server that listens on host and port has an address of this kind.
    return (this.#server.address() as AddressInfo).port;
  }

  /** Hands requests to the service from now on. */
  serve(onRequest: RequestListener, onUpgrade: UpgradeListener): void {
    this.#onRequest = onRequest;
    this.#onUpgrade = onUpgrade;
  }

  /** Accepts no more connections, lets current answers end, and cuts the rest after {@link CLOSE_GRACE_MS}. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    // Node closes connections that become idle later only at their next answer, so idle ones are closed again and
    // again.
    const cut = new AbortController();
    void closed.then(() => cut.abort());
    const closeIdle = setInterval(() => this.#server.closeIdleConnections(), 50);
    await pause(CLOSE_GRACE_MS, cut.signal);
    clearInterval(closeIdle);
    this.#server.closeAllConnections();
    this.#connections.forEach(socket => socket.destroy());
    await withDeadline('closing the listener', CLOSE_GRACE_MS, closed);
  }

  #note(socket: Socket): void {
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
  }
}

/** How an upgrade is refused. */
export interface RefusalOptions {
  readonly requestId?: string;
  readonly answerTo?: ErrorAnswer;
}

/** Answers an upgrade request like an ordinary one, and closes. */
export function refuseUpgrade(
  request: IncomingMessage,
  socket: Socket,
  error: ServiceError,
  { requestId = randomId(), answerTo = problemAnswer }: RefusalOptions = {},
): void {
  const path = pathOf(request);
  socket.write(rawResponse(answerTo(error, { requestId, path })));
  socket.destroySoon();
}

/** The path of a request without its query. */
function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

const answerStarting =
  (answerTo: ErrorAnswer): RequestListener =>
  (request, response) => {
    if (pathOf(request) === '/livez') {
      response
        .writeHead(200, {
          'content-type': 'application/json',
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
        })
        .end('{"status":"ok"}');
      return;
    }
    const asked = { requestId: randomId(), path: pathOf(request) };
    const { status, headers, body } = answerTo(starting(), asked);
    response.writeHead(status, headers).end(JSON.stringify(body));
  };

const starting = (): ServiceError =>
  new ServiceError('redis_unavailable', 'This process is starting: it waits for Redis.');

/* Answers a request whose body does not come, and closes. */
function answerLate(request: IncomingMessage, { headersSent }: ServerResponse, answerTo: ErrorAnswer): void {
  const error = new ServiceError('malformed_request', 'The body of the request did not come in time.');
  const answer = answerTo(error, { requestId: randomId(), path: pathOf(request) }, 408);
  if (!headersSent) request.socket.write(rawResponse({ ...answer, status: 408 }));
  request.socket.destroySoon();
}

/*
 * Answers requests that Node's parser could not read; Node's own answers are plain status lines (event 'clientError').
 */
function answerUnreadable(error: NodeJS.ErrnoException, duplex: Duplex, answerTo: ErrorAnswer): void {
  const { code = '' } = error;
  // Without a finished handshake there is no way to answer.
  const isHandshake = code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_');
  if (code === 'ECONNRESET' || isHandshake || !duplex.writable) {
    duplex.destroy();
    return;
  }
  const status = code === 'HPE_HEADER_OVERFLOW' ? 431 : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const coded = new ServiceError('malformed_request', 'The request could not be read.');
  duplex.end(rawResponse({ ...answerTo(coded, { requestId: randomId(), path: '' }, status), status }));
}
