import { isIP } from 'node:net';

/** Whether a process that listens here listens on every address of its machine. */
export const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** A host in the form of a URL; for a wildcard, an address that certainly reaches this machine. */
export function hostInUrl(host: string): string {
  if (isWildcard(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/** An IPv6 address as it is outside of URLs. */
export const withoutBrackets = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

/** Whether a name is this machine's own loopback; a DNS name that merely begins with 127. may be an attacker's. */
export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '::1' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
