import { isIP } from 'node:net';

/** The name in a `Host` header: lower case, without port and brackets; null if it is not one. */
export function hostnameIn(header: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(header);
  return match?.[1] === undefined ? null : withoutBrackets(match[1].toLowerCase());
}

/** Whether a name is this machine's own loopback; a DNS name that merely begins with 127. may be an attacker's. */
export const isLoopbackName = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '::1' || (isIP(hostname) === 4 && hostname.startsWith('127.'));

/** An IPv6 address as it is outside of URLs. */
export const withoutBrackets = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');
