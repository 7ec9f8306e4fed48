import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const PAGES: Readonly<Record<string, string>> = {
  '/': `<!doctype html><html lang="en"><title>First</title><main><h1>First</h1>
    <img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
    <button onclick="this.textContent = 'pressed'">press me</button>
    <a href="/second">second</a></main>`,
  '/second': '<!doctype html><html lang="en"><title>Second</title><main><h1>Second</h1></main>',
};

/** The pages that the examples visit; the first has a fault that auditors find. */
export interface Pages {
  readonly url: string;
  stop(): void;
}

/** Serves the pages on a free port of this machine. */
export async function startPages(): Promise<Pages> {
  const server = createServer(({ url = '' }, response) => {
    const page = PAGES[url];
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // SAFETY: it listens on a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
