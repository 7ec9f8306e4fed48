import {
  Agent,
  createServer,
  request as requestOf,
  STATUS_CODES,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Socket, type AddressInfo } from 'node:net';
import { pipeline, type Duplex } from 'node:stream';
import { messageOf } from '../../../../src/core/errors';
import type { UpstreamProxy } from '../../door/protocol';
import { withoutBrackets, type Target } from './target';
import { MAX_HEADER_BYTES, refusal, unreachable, Upstream } from './upstream';

/** After this long without traffic the kernel starts to probe whether the peer still exists. */
const KEEP_ALIVE_MS = 30_000;

/** Longer than Chromium keeps an unused connection, so that Chromium closes it first. */
const IDLE_CONNECTION_MS = 360_000;

/** Headers for one hop only (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Methods that may be sent twice (RFC 9110, section 9.2.1). */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/**
 * An HTTP proxy for one browser that forwards everything to one upstream proxy and adds its credentials. It has no
 * other route: requests that the upstream does not carry are answered 502 with the reason.
 *
 * Requests for a path instead of a URL are refused. Pages send such requests to servers, so a page that finds the port
 * cannot use it.
 */
export class ForwardProxy {
  readonly #server: Server;
  readonly #upstream: Upstream;
  readonly #agent: Agent;

  private constructor(upstream: UpstreamProxy) {
    this.#upstream = new Upstream(upstream);
    this.#agent =
      this.#upstream.scheme === 'https'
        ? new HttpsAgent({ keepAlive: true })
        : new Agent({ keepAlive: true });
    const limits = {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: 0,
      keepAliveTimeout: IDLE_CONNECTION_MS,
    };
    this.#server = createServer(limits, (request, response) => this.#forward(request, response));
    this.#server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#tunnel(request, socket, head);
    });
  }

  /**
   * Starts to listen.
   *
   * @param port - 0 takes a free one
   * @throws if the address cannot be bound, or the upstream's address is not valid.
   */
  static async listen(host: string, port: number, upstream: UpstreamProxy): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(upstream);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(port, host, resolve);
    });
    return proxy;
  }

  get port(): number {
    // SAFETY: a listening TCP server has an AddressInfo.
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops listening; open tunnels continue until one of their ends closes. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await closed;
  }

  async #tunnel({ url = '' }: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    // An error is followed by `close`, which ends the other side.
    client.on('error', () => undefined);
    const target = targetOf(url);
    if (target === null) {
      refuseTunnel(client, '400 Bad Request', `${url} is not host and port`);
      return;
    }
    try {
      const upstream = await this.#upstream.tunnelTo(target);
      if (client.destroyed) {
        upstream.destroy();
        return;
      }
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) upstream.write(head);
      join(client, upstream);
    } catch (error) {
      refuseTunnel(client, '502 Bad Gateway', messageOf(error));
    }
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '' } = request;
    const target = URL.canParse(url) ? new URL(url) : null;
    if (target?.protocol !== 'http:') {
      refuse(response, 400, 'This is a proxy for one browser.');
    } else if (this.#upstream.scheme === 'socks5') {
      void this.#forwardThroughTunnel(target, request, response);
    } else {
      const ask = (agent: Agent | false): ClientRequest =>
        this.#upstream.request({ method, path: url, agent }, endToEnd(request));
      if (isRepeatable(request)) this.#exchange(ask(this.#agent), request, response, () => ask(false));
      else this.#exchange(ask(false), request, response);
    }
  }

  /* SOCKS carries bytes, not HTTP: the request goes to the page's server through a tunnel. */
  async #forwardThroughTunnel(
    { hostname, port, pathname, search }: URL,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { method = 'GET' } = request;
    try {
      const target = { host: withoutBrackets(hostname), port: Number(port === '' ? 80 : port) };
      const tunnel = await this.#upstream.tunnelTo(target);
      const inside = { method, path: pathname + search, headers: endToEnd(request) };
      this.#exchange(requestOver(tunnel, inside), request, response);
    } catch (error) {
      refuse(response, 502, messageOf(error));
    }
  }

  /**
   * @param again - the same request on a new connection. Only its use shows that the upstream has closed a reused
   *   connection; a browser repeats such a request itself when it uses a proxy directly.
   */
  #exchange(
    outgoing: ClientRequest,
    request: IncomingMessage,
    response: ServerResponse,
    again?: () => ClientRequest,
  ): void {
    outgoing.once('error', error => {
      const isUnanswered = !response.headersSent && !response.destroyed;
      if (again !== undefined && outgoing.reusedSocket && isUnanswered)
        this.#exchange(again(), request, response);
      else refuse(response, 502, unreachable(error).message);
    });
    outgoing.once('response', answer => passOn(answer, response));
    response.once('close', () => outgoing.destroy());
    if (isRepeatable(request)) outgoing.end();
    // As above; the `error` handler of the outgoing request has answered the browser.
    else pipeline(request, outgoing, () => undefined);
  }
}

function passOn(answer: IncomingMessage, response: ServerResponse): void {
  const { statusCode = 502, statusMessage } = answer;
  const refuseInstead = (reason: string): void => {
    answer.resume();
    refuse(response, 502, reason);
  };
  // Forwarded, it would make the browser ask for the credentials, which it must not have.
  if (statusCode === 407) return refuseInstead(refusal(statusCode));
  try {
    response.sendDate = false;
    response.writeHead(statusCode, statusMessage, endToEnd(answer));
  } catch (error) {
    // Node reads answers that it does not write: with a status below 100, or a control character in the reason.
    return refuseInstead(`the answer cannot be passed on: ${messageOf(error)}`);
  }
  // After an error both are destroyed, and the browser sees a broken connection.
  pipeline(answer, response, () => undefined);
}

/* Each direction ends separately (half-close); when one side is closed, the other is closed too. */
function join(client: Duplex, upstream: Duplex): void {
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    if (from instanceof Socket) {
      from.setNoDelay(true);
      from.setKeepAlive(true, KEEP_ALIVE_MS);
      from.setTimeout(0);
    }
    from.on('error', () => undefined); // followed by `close`
    from.once('close', () => finish(to));
    from.pipe(to);
  }
}

/* Lets the bytes already written reach the peer. */
function finish(stream: Duplex): void {
  if (stream.destroyed) return;
  if (stream instanceof Socket) stream.destroySoon();
  else stream.destroy();
}

function requestOver(tunnel: Duplex, options: RequestOptions): ClientRequest {
  return requestOf({ ...options, maxHeaderSize: MAX_HEADER_BYTES, createConnection: () => tunnel });
}

/* Whether a request can be sent again: its method is safe, and its body has not been consumed. */
function isRepeatable({ method = 'GET', headers }: IncomingMessage): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return SAFE_METHODS.includes(method) && !hasBody;
}

/** `host:port` of a CONNECT. */
function targetOf(authority: string): Target | null {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:/@[\]\s]+):(\d{1,5})$/i.exec(authority) ?? [];
  return host === undefined || Number(port) > 65_535
    ? null
    : { host: withoutBrackets(host), port: Number(port) };
}

/*
 * All end-to-end headers as they came, names and values in turn. Servers see a browser by the case and order of its
 * headers, so both stay.
 */
function endToEnd({ rawHeaders, headersDistinct }: IncomingMessage): string[] {
  const named = (headersDistinct['connection'] ?? []).flatMap(value => value.toLowerCase().split(/\s*,\s*/));
  const oneHop = new Set([...HOP_BY_HOP, ...named]);
  return rawHeaders.flatMap((name, i) =>
    i % 2 === 1 || oneHop.has(name.toLowerCase()) ? [] : [name, rawHeaders[i + 1] ?? ''],
  );
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

function refuseTunnel(client: Duplex, status: string, reason: string): void {
  const body = `${reason}\n`;
  const headers = [
    'connection: close',
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  client.end([`HTTP/1.1 ${status}`, ...headers, '', body].join('\r\n'));
}
