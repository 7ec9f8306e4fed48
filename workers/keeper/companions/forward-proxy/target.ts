/** The destination of a request. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** The upstream proxy did not connect. The message contains no credentials. */
export class UpstreamError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'UpstreamError';
  }
}

/** The host of a URL in the form for sockets. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
