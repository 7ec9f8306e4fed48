import {
  createServer,
  request as requestOf,
  STATUS_CODES,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { pipeline, type Duplex } from 'node:stream';
import { messageOf } from '../../../../src/core/errors';
import type { Traffic } from '../../../../src/core/traffic';
import { listenOnPort, portOf } from '../../door/listen-on-port';
import { listenOnSocket } from '../../door/listen-on-socket';
import type { UpstreamProxy } from '../../door/protocol';
import { EgressRefused, UNGUARDED, type EgressGuard } from '../../egress/egress-guard';
import type { StartProxy } from '../../process/start-options';
import { Direct } from './direct';
import { joinStreams } from '../join-streams';
import { endToEnd, isRepeatable, requestTarget, tunnelTarget } from './request-head';
import { refusalAnswer, type RefusalStatus } from './refusal';
import { NO_WAY_YET, type PlainRequest, type Route } from './route';
import { MAX_HEADER_BYTES } from './target';
import { TrafficMeter } from './traffic-meter';
import { Upstream } from './upstream';

/** Longer than Chromium keeps an unused connection, so that Chromium closes it first. */
const IDLE_CONNECTION_MS = 360_000;

/**
 * An HTTP proxy for one browser. It sends everything the way of its route, and has no other: what cannot go there is
 * answered 502 with the reason, and 403 if the rules refuse it.
 *
 * Requests for a path instead of a URL are refused. Pages send such requests to servers, so a page that finds the port
 * cannot use it.
 */
export class ForwardProxy {
  readonly #server: Server;
  readonly #guard: EgressGuard;
  #route: Route;
  readonly #meter = new TrafficMeter();

  private constructor(upstream: StartProxy, guard: EgressGuard) {
    this.#guard = guard;
    this.#route = routeFor(upstream, guard);
    const limits = {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: 0,
      keepAliveTimeout: IDLE_CONNECTION_MS,
    };
    this.#server = createServer(limits, (request, response) => this.#forward(request, response));
    this.#server.on('connection', (socket: Socket) => this.#meter.add(socket));
    this.#server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#tunnel(request, socket, head);
    });
  }

  /**
   * Starts to listen.
   *
   * @param port - 0 takes a free one
   * @param upstream - null: everything goes straight on; `later`: nothing goes anywhere until {@link assign}
   * @throws if the address cannot be bound, or the upstream's address is not valid.
   */
  static async listen(
    host: string,
    port: number,
    upstream: StartProxy,
    guard: EgressGuard = UNGUARDED,
  ): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(upstream, guard);
    await listenOnPort(proxy.#server, host, port);
    return proxy;
  }

  /**
   * The same on a Unix socket, for its own user only.
   *
   * @throws if the path cannot be bound, or the upstream's address is not valid.
   */
  static async listenOn(
    path: string,
    upstream: StartProxy,
    guard: EgressGuard = UNGUARDED,
  ): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(upstream, guard);
    await listenOnSocket(proxy.#server, path);
    return proxy;
  }

  get port(): number {
    return portOf(this.#server);
  }

  get traffic(): Traffic {
    return this.#meter.traffic;
  }

  /**
   * Everything goes to this upstream from now on.
   *
   * @throws if its address is not valid.
   */
  assign(upstream: UpstreamProxy): void {
    this.#route = routeFor(upstream, this.#guard);
  }

  /** Stops listening; open tunnels continue until one of their ends closes. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    this.#route.close();
    await closed;
  }

  async #tunnel({ url = '' }: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    // An error is followed by `close`, which ends the other side.
    client.on('error', () => undefined);
    const target = tunnelTarget(url);
    if (target === null) {
      refuseTunnel(client, 400, `${url} is not host and port`);
      return;
    }
    try {
      const way = await this.#route.tunnelTo(target);
      if (client.destroyed) {
        way.destroy();
        return;
      }
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) way.write(head);
      joinStreams(client, way);
    } catch (error) {
      refuseTunnel(client, this.#statusFor(error), messageOf(error));
    }
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '' } = request;
    const target = requestTarget(url);
    if (target === null) {
      refuse(response, 400, 'This is a proxy for one browser.');
      return;
    }
    const plain = { method, url, target, headers: endToEnd(request) };
    if (this.#route.takesRequests) this.#ask(plain, !isRepeatable(request), request, response);
    else void this.#forwardThroughTunnel(plain, request, response);
  }

  /*
   * Only its use shows that the peer has closed a connection; a browser repeats such a request itself, without a proxy.
   */
  #ask(plain: PlainRequest, isFresh: boolean, request: IncomingMessage, response: ServerResponse): void {
    try {
      const again = isFresh ? undefined : () => this.#ask(plain, true, request, response);
      this.#exchange(this.#route.request(plain, isFresh), request, response, again);
    } catch (error) {
      refuse(response, this.#statusFor(error), messageOf(error));
    }
  }

  /* For a route that carries bytes only: the request goes to the page's server through a tunnel. */
  async #forwardThroughTunnel(
    { method, url, target, headers }: PlainRequest,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      const tunnel = await this.#route.tunnelTo(target);
      const { pathname, search } = new URL(url);
      const inside = { method, path: pathname + search, headers: [...headers] };
      this.#exchange(requestOver(tunnel, inside), request, response);
    } catch (error) {
      refuse(response, this.#statusFor(error), messageOf(error));
    }
  }

  /** @param again - what to do if the connection was used before, and is closed */
  #exchange(
    outgoing: ClientRequest,
    request: IncomingMessage,
    response: ServerResponse,
    again?: () => void,
  ): void {
    outgoing.once('error', error => {
      const isUnanswered = !response.headersSent && !response.destroyed;
      if (again !== undefined && outgoing.reusedSocket && isUnanswered) again();
      else if (error instanceof EgressRefused) refuse(response, this.#statusFor(error), error.message);
      else refuse(response, 502, this.#route.explain(error).message);
    });
    outgoing.once('response', answer => passOn(answer, response, this.#route.whyNo407));
    response.once('close', () => outgoing.destroy());
    if (isRepeatable(request)) outgoing.end();
    // As above; the `error` handler of the outgoing request has answered the browser.
    else pipeline(request, outgoing, () => undefined);
  }

  #statusFor(error: unknown): RefusalStatus {
    if (!(error instanceof EgressRefused)) return 502;
    this.#meter.refuse(error.host);
    return 403;
  }
}

function routeFor(upstream: StartProxy, guard: EgressGuard): Route {
  if (upstream === 'later') return NO_WAY_YET;
  return upstream === null ? new Direct(guard) : new Upstream(upstream, guard);
}

function passOn(answer: IncomingMessage, response: ServerResponse, whyNo407: string): void {
  const { statusCode = 502, statusMessage } = answer;
  const refuseInstead = (reason: string): void => {
    answer.resume();
    refuse(response, 502, reason);
  };
  // Forwarded, it would make the browser ask for the credentials, which it must not have.
  if (statusCode === 407) return refuseInstead(whyNo407);
  try {
    response.sendDate = false;
    response.writeHead(statusCode, statusMessage, endToEnd(answer));
  } catch (error) {
    // Node reads answers that it does not write: with a status below 100, or a control character in the reason.
    return refuseInstead(`the answer cannot be passed on: ${messageOf(error)}`);
  }
  // The browser sees a broken connection. The other way round, the answer ends with its request.
  answer.once('error', () => response.destroy());
  answer.pipe(response);
}

function requestOver(tunnel: Duplex, options: RequestOptions): ClientRequest {
  return requestOf({ ...options, maxHeaderSize: MAX_HEADER_BYTES, createConnection: () => tunnel });
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const headers = { 'content-type': 'text/plain; charset=utf-8', connection: 'close' };
  response.writeHead(status, STATUS_CODES[status], headers);
  response.end(`${reason}\n`);
}

function refuseTunnel(client: Duplex, status: RefusalStatus, reason: string): void {
  client.end(refusalAnswer(status, reason));
}
