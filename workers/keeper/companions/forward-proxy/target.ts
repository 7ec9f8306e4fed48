/** Where a page wants to go. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** The upstream proxy did not do it. The message names no credentials. */
export class UpstreamError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'UpstreamError';
  }
}

/** The host of a URL as sockets take it. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
