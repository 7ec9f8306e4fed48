import type { IncomingMessage } from 'node:http';
import { canonicalHost, type Target } from '../../egress/egress-policy';

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

/** Whether a request can be sent again: its method is safe, and its body has not been consumed. */
export function isRepeatable({ method = 'GET', headers }: IncomingMessage): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return SAFE_METHODS.includes(method) && !hasBody;
}

/** Where a CONNECT to `host:port` is to go; null: it is none. */
export function tunnelTarget(authority: string): Target | null {
  const [, written = '', digits] = /^(.+):(\d{1,5})$/.exec(authority) ?? [];
  const host = canonicalHost(written);
  return host === null || Number(digits) > 65_535 ? null : { host, port: Number(digits) };
}

/** The server of a whole URL; null for every other request. */
export function requestTarget(url: string): Target | null {
  if (!URL.canParse(url)) return null;
  const { protocol, hostname, port } = new URL(url);
  const host = protocol === 'http:' ? canonicalHost(hostname) : null;
  return host === null ? null : { host, port: port === '' ? 80 : Number(port) };
}

/**
 * All end-to-end headers as they came, names and values in turn. Servers see a browser by the case and order of its
 * headers, so both stay.
 */
export function endToEnd({ rawHeaders, headersDistinct }: IncomingMessage): string[] {
  const named = (headersDistinct['connection'] ?? []).flatMap(value => value.toLowerCase().split(/\s*,\s*/));
  const oneHop = new Set([...HOP_BY_HOP, ...named]);
  return rawHeaders.flatMap((name, i) =>
    i % 2 === 1 || oneHop.has(name.toLowerCase()) ? [] : [name, rawHeaders[i + 1] ?? ''],
  );
}
