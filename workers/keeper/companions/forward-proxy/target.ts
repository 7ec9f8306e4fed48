/** Headers of this size are normal for browsers; Node's own limit is 16 KiB. */
export const MAX_HEADER_BYTES = 256 * 1024;

/** How long a connection for a tunnel may take, the answers of an upstream proxy included. */
export const TUNNEL_TIMEOUT_MS = 20_000;

/** The way on does not work. The message contains no credentials. */
export class RouteError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RouteError';
  }
}

/** The host of a URL in the form for sockets. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
