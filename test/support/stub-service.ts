import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived. */
export interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers the n-th request (from 0); null: breaks the connection instead; 'silence': never answers. */
export type Script = (
  request: Arrived,
  n: number,
) => { status: number; body?: unknown; headers?: Record<string, string> } | null | 'silence';

/** An HTTP service that answers as a test says, and records its requests. */
export interface StubService {
  readonly url: string;
  readonly requests: readonly Arrived[];
  stop(): Promise<void>;
}

/** Starts one on a free port. */
export async function startStubService(script: Script): Promise<StubService> {
  const requests: Arrived[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method = '', url = '', headers } = req;
      const arrived = { method, url, headers, body: Buffer.concat(chunks).toString() };
      requests.push(arrived);
      answer(res, script(arrived, requests.length - 1));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // SAFETY: a server that listens on TCP has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function answer(res: ServerResponse, scripted: ReturnType<Script>): void {
  if (scripted === 'silence') return;
  if (scripted === null) {
    res.destroy();
    return;
  }
  const { status, body, headers = {} } = scripted;
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}
