/** Whether a process that listens here listens on every address of its machine. */
export const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** A host in the form of a URL; for a wildcard, an address that certainly reaches this machine. */
export function hostInUrl(host: string): string {
  if (isWildcard(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
