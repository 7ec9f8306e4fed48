import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { ServiceError } from '../../core/errors';
import { isLoopback, withoutBrackets } from '../../config/address';
import { hostnameIn } from '../../core/host-header';

/** The settings that decide which hosts and origins are accepted. */
export interface EdgeGuardOptions {
  /** The address that the API listens on. */
  readonly host: string;
  /** The public URL, if the operator has set one. */
  readonly publicUrl: string | null;
  readonly hasApiKeys: boolean;
  /** What the listener speaks. */
  readonly scheme: 'http' | 'https';
  /** Further names of this service: those that its TLS certificate is for. */
  readonly isNamed?: (hostname: string) => boolean;
}

/** Refuses a request whose Host or Origin is not accepted. Throws or returns; used for HTTP and upgrades alike. */
export type EdgeGuard = (request: IncomingMessage) => void;

/**
 * Keeps web pages out, against CSRF and DNS rebinding: a page can make its browser send requests to any address, but it
 * cannot choose the Host its browser sends, nor hide its Origin. Programs send no Origin. A page that runs in a session
 * could otherwise release sessions of an open API on loopback.
 *
 * @throws ServiceError `forbidden_origin`.
 */
export function edgeGuard(options: EdgeGuardOptions): EdgeGuard {
  const publicUrl = options.publicUrl === null ? null : new URL(options.publicUrl);
  const isAllowedHost = hostCheck(options, publicUrl);
  return request => {
    const { headers, rawHeaders, url = '' } = request;
    const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
    const host = hosts === 1 ? hostnameIn(headers.host ?? '') : null;
    // A request for an absolute URL names its own host, which bypasses the Host header.
    if (host === null || !url.startsWith('/') || !isAllowedHost(host)) {
      throw forbidden(
        'The Host header does not name this service. Set HOLDFAST_PUBLIC_URL to the URL that clients use.',
      );
    }
    if (headers.origin !== undefined && !isAllowedOrigin(headers.origin, options, request, isAllowedHost)) {
      throw forbidden('Requests from web pages of other origins are refused.');
    }
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'none' && site !== 'same-origin' && !isOpenedPage(request)) {
      throw forbidden('Requests from web pages of other sites are refused.');
    }
  };
}

function hostCheck(options: EdgeGuardOptions, publicUrl: URL | null): (hostname: string) => boolean {
  const named = new Set([options.host.toLowerCase()]);
  if (publicUrl !== null) named.add(withoutBrackets(publicUrl.hostname));
  const loopbackCounts = isLoopback(options.host) || options.hasApiKeys;
  return hostname =>
    named.has(hostname) ||
    options.isNamed?.(hostname) === true ||
    (loopbackCounts && isLoopback(hostname)) ||
    // A page does not have the keys, so with keys any IP address is accepted as host (health checks, pods).
    (options.hasApiKeys && isIP(hostname) !== 0);
}

/* Accepted are the public origin, and this service's own names with the port that the request came in on. */
function isAllowedOrigin(
  origin: string,
  { publicUrl, scheme, isNamed }: EdgeGuardOptions,
  request: IncomingMessage,
  isAllowedHost: (hostname: string) => boolean,
): boolean {
  if (!URL.canParse(origin)) return false;
  const parsed = new URL(origin);
  if (parsed.origin !== origin) return false;
  if (publicUrl !== null && parsed.origin === new URL(publicUrl).origin) return true;
  const port = parsed.port === '' ? (parsed.protocol === 'https:' ? 443 : 80) : Number(parsed.port);
  const hostname = withoutBrackets(parsed.hostname);
  return (
    parsed.protocol === `${scheme}:` &&
    port === request.socket.localPort &&
    // A page at a name of the certificate came from here: only who has its key can serve that name.
    (isLoopback(hostname) || isIP(hostname) !== 0 || isNamed?.(hostname) === true) &&
    isAllowedHost(hostname)
  );
}

/* The page of a session, opened by a link or in a frame: it is made to be passed on, and the token is its key. */
const isOpenedPage = ({ method, headers, url = '' }: IncomingMessage): boolean =>
  method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && VIEWER_PATH.test(url);

const VIEWER_PATH = /^\/v1\/sessions\/[A-Za-z0-9_-]{1,64}\/view\?/;

const forbidden = (message: string): ServiceError => new ServiceError('forbidden_origin', message);
