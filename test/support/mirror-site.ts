import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A site that records the headers of requests. */
export interface MirrorSite {
  readonly url: string;
  /** The headers of the last request for a path. */
  headersOf(path: string): IncomingHttpHeaders;
  close(): Promise<void>;
}

/** What a page or a worker can read about its browser; an expression for `evaluate`. */
export const SELF = `({
  userAgent: navigator.userAgent,
  language: navigator.language,
  languages: [...navigator.languages],
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
})`;

const WORKER = `postMessage(${SELF})`;

/** Starts one on loopback: `/worker.js` tells a page what a worker sees, everything else is an empty page. */
export async function startMirrorSite(): Promise<MirrorSite> {
  const seen = new Map<string, IncomingHttpHeaders>();
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    seen.set(path, request.headers);
    const isScript = path === '/worker.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? WORKER : '<!doctype html><title>Mirror</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // SAFETY: the server listens on a TCP port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    headersOf: path => {
      const headers = seen.get(path);
      if (headers === undefined) throw new Error(`nobody has asked for ${path}`);
      return headers;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}
