import { Agent, request as httpRequest, type ClientRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { UpstreamProxy } from '../../door/protocol';
import type { EgressGuard } from '../../egress/egress-guard';
import type { Target } from '../../egress/egress-policy';
import { SERVER_407, type PlainRequest, type Route } from './route';
import { connectThroughSocks } from './socks5';
import { MAX_HEADER_BYTES, RouteError, withoutBrackets } from './target';
import { openTunnel, reasonOf } from './tunnel';

/** The session's proxy; its credentials are added here and nowhere else. */
export class Upstream implements Route {
  readonly takesRequests: boolean;
  readonly whyNo407: string;
  readonly #scheme: 'http' | 'https' | 'socks5';
  readonly #address: Target;
  readonly #proxy: UpstreamProxy;
  readonly #guard: EgressGuard;
  readonly #wayGuard: EgressGuard;
  readonly #agent: Agent;

  /** @throws if `server` is not `http://…`, `https://…` or `socks5://…`. */
  constructor(proxy: UpstreamProxy, guard: EgressGuard) {
    const { protocol, hostname, port } = new URL(proxy.server);
    const scheme = protocol.slice(0, -1);
    if (scheme !== 'http' && scheme !== 'https' && scheme !== 'socks5') {
      throw new Error(`proxies with the scheme ${protocol} are not supported`);
    }
    this.#scheme = scheme;
    // SOCKS carries bytes, not HTTP.
    this.takesRequests = scheme !== 'socks5';
    this.whyNo407 = this.takesRequests ? refusal(407) : SERVER_407;
    this.#address = { host: withoutBrackets(hostname), port: portOf(port, scheme) };
    this.#proxy = proxy;
    this.#guard = guard;
    this.#wayGuard = guard.toProxy;
    this.#agent = scheme === 'https' ? new HttpsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  }

  /**
   * A connection through the proxy to `target`; the proxy resolves names.
   *
   * @throws EgressRefused; RouteError if the proxy cannot be reached, refuses, or takes too long.
   */
  tunnelTo(target: Target): Promise<Duplex> {
    return openTunnel('the proxy', signal => this.#tunnel(target, signal), unreachable);
  }

  /** @throws EgressRefused */
  request({ method, url, target, headers }: PlainRequest, isFresh: boolean): ClientRequest {
    this.#guard.requireBehindProxy(target);
    return this.#open({
      method,
      path: url,
      agent: isFresh ? false : this.#agent,
      headers: [...headers, ...Object.entries(this.#authorization()).flat()],
    });
  }

  explain(error: unknown): RouteError {
    return unreachable(error);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #tunnel(target: Target, signal: AbortSignal): Promise<Duplex> {
    this.#guard.requireBehindProxy(target);
    if (this.#scheme !== 'socks5') return this.#connect(target, signal);
    return connectThroughSocks(this.#wayGuard.dial(this.#address), target, this.#proxy, signal);
  }

  #connect({ host, port }: Target, signal: AbortSignal): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
      const headers = { host: authority, ...this.#authorization() };
      const request = this.#open({ method: 'CONNECT', path: authority, headers, agent: false, signal });
      request.once('error', reject);
      request.once('connect', ({ statusCode = 0 }, socket, head) => {
        if (statusCode >= 200 && statusCode < 300) {
          if (head.length > 0) socket.unshift(head);
          resolve(socket);
        } else {
          socket.destroy();
          reject(new RouteError(refusal(statusCode)));
        }
      });
      request.end();
    });
  }

  #open(options: RequestOptions): ClientRequest {
    const { host } = this.#address;
    const all = {
      ...options,
      ...this.#wayGuard.dial(this.#address),
      maxHeaderSize: MAX_HEADER_BYTES,
    };
    if (this.#scheme === 'http') return httpRequest(all);
    // By default Node takes the server name from the header `Host`, which names the page's server. An IP address has no
    // server name.
    return httpsRequest({ ...all, servername: isIP(host) === 0 ? host : '' });
  }

  #authorization(): Record<string, string> {
    const { username, password } = this.#proxy;
    if (username === null && password === null) return {};
    const pair = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
    return { 'proxy-authorization': `Basic ${pair}` };
  }
}

/* The reason when an answer of the proxy is not forwarded to the page. */
function refusal(status: number): string {
  return status === 407
    ? 'the upstream proxy refused the credentials'
    : `the upstream proxy answered ${status}`;
}

function unreachable(error: unknown): RouteError {
  return new RouteError(`the upstream proxy cannot be used: ${reasonOf(error)}`, error);
}

/* A URL omits the default port of its scheme. */
function portOf(port: string, scheme: 'http' | 'https' | 'socks5'): number {
  return port === '' ? { http: 80, https: 443, socks5: 1080 }[scheme] : Number(port);
}
