import { request } from 'node:http';

/** A request as it goes over the wire: any method, headers in any number, bodies with anything. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  /** Pairs: a name may come more than once. `Host` is added if none is given. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
}

/** The answer. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  readonly tookMs: number;
}

/**
 * Sends a request on a connection of its own. For an event stream it waits only for the head.
 *
 * @throws if there is no whole answer within `timeoutMs`, or the connection breaks.
 */
export async function sendRaw(url: string, asked: RawRequest, timeoutMs = 10_000): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(url);
  const { method, path, headers = [], body } = asked;
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  // Node would begin a chunked body for a POST that has none.
  const length: [string, string][] =
    given.has('content-length') || (body === undefined && method !== 'POST')
      ? []
      : [['Content-Length', String(Buffer.byteLength(body ?? ''))]];
  const all = [...(given.has('host') ? [] : [['Host', host] as const]), ...headers, ...length];
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request({
      hostname,
      port,
      method,
      path,
      headers: all.flat(),
      agent: false,
      timeout: timeoutMs,
    });
    const done = (status: number, got: Record<string, string | undefined>, text: string): void => {
      resolve({ status, headers: got, text, tookMs: performance.now() - startedMs });
      sent.destroy();
    };
    sent.on('response', response => {
      // SAFETY: the only header that Node gives as a list is Set-Cookie, which the service never sends.
      const got = response.headers as Record<string, string | undefined>;
      const status = response.statusCode ?? 0;
      if (got['content-type']?.startsWith('text/event-stream') === true) {
        done(status, got, '');
        return;
      }
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => done(status, got, Buffer.concat(chunks).toString()));
      response.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path} in ${timeoutMs} ms`)));
    sent.on('error', reject);
    sent.end(body);
  });
}
