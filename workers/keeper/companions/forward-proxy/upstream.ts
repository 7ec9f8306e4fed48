import { request as httpRequest, type ClientRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { withDeadline } from '../../../../src/core/abort';
import type { UpstreamProxy } from '../../door/protocol';
import { connectThroughSocks } from './socks5';
import { UpstreamError, withoutBrackets, type Target } from './target';

/** How long an upstream proxy may take to connect, or to refuse to. */
const TUNNEL_TIMEOUT_MS = 20_000;

/** Headers of this size are normal for browsers; Node's own limit is 16 KiB. */
export const MAX_HEADER_BYTES = 256 * 1024;

/** The session's proxy; its credentials are added here and nowhere else. */
export class Upstream {
  readonly scheme: 'http' | 'https' | 'socks5';
  readonly #address: Target;
  readonly #proxy: UpstreamProxy;

  /** @throws if `server` is not `http://…`, `https://…` or `socks5://…`. */
  constructor(proxy: UpstreamProxy) {
    const { protocol, hostname, port } = new URL(proxy.server);
    const scheme = protocol.slice(0, -1);
    if (scheme !== 'http' && scheme !== 'https' && scheme !== 'socks5') {
      throw new Error(`proxies with the scheme ${protocol} are not supported`);
    }
    this.scheme = scheme;
    this.#address = { host: withoutBrackets(hostname), port: portOf(port, scheme) };
    this.#proxy = proxy;
  }

  /**
   * A connection through the proxy to `target`; the proxy resolves names.
   *
   * @throws UpstreamError if the proxy cannot be reached, refuses, or takes too long.
   */
  async tunnelTo(target: Target): Promise<Duplex> {
    const over = new AbortController();
    const tunnel: Promise<Duplex> =
      this.scheme === 'socks5'
        ? connectThroughSocks(this.#address, target, this.#proxy, over.signal)
        : this.#connect(target, over.signal);
    try {
      return await withDeadline('the proxy', TUNNEL_TIMEOUT_MS, tunnel);
    } catch (error) {
      over.abort();
      // Destroys a connection that opened after the time-out.
      tunnel.then(
        socket => socket.destroy(),
        () => undefined, // reported below
      );
      throw error instanceof UpstreamError ? error : unreachable(error);
    }
  }

  /**
   * A request that an http or https proxy forwards itself: `path` is the whole URL.
   *
   * @param headers - names and values in turn
   */
  request(options: RequestOptions, headers: readonly string[]): ClientRequest {
    return this.#open({ ...options, headers: [...headers, ...Object.entries(this.#authorization()).flat()] });
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
          reject(new UpstreamError(refusal(statusCode)));
        }
      });
      request.end();
    });
  }

  #open(options: RequestOptions): ClientRequest {
    const { host, port } = this.#address;
    const all = { ...options, host, port, maxHeaderSize: MAX_HEADER_BYTES };
    if (this.scheme === 'http') return httpRequest(all);
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

/** The reason when an answer of the proxy is not forwarded to the page. */
export function refusal(status: number): string {
  return status === 407
    ? 'the upstream proxy refused the credentials'
    : `the upstream proxy answered ${status}`;
}

/** The error for a connection that failed. */
export function unreachable(error: unknown): UpstreamError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UpstreamError(`the upstream proxy cannot be used: ${reason}`, error);
}

/* A URL omits the default port of its scheme. */
function portOf(port: string, scheme: Upstream['scheme']): number {
  return port === '' ? { http: 80, https: 443, socks5: 1080 }[scheme] : Number(port);
}
