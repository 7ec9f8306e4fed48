import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Endpoint } from '../../machines/session/session.types';
import { findHostIdentity } from '../../src/browser/dial';
import { systemProcesses } from '../../src/core/process-identity';

/** A server that answers like a browser's DevTools server: it lists its pages and echoes everything else. */
export interface EchoBrowser {
  /** Its endpoint, as a keeper on this machine would report it. */
  readonly endpoint: Endpoint;
  /** Upgrade requests it has seen: their path and headers. */
  readonly upgrades: readonly {
    readonly path: string;
    readonly headers: Readonly<Record<string, unknown>>;
  }[];
  /** Cuts all connections. */
  dropClients(): void;
  close(): Promise<void>;
}

/** Its only page. */
export const ECHO_PAGE = { id: 'PAGE1', url: 'https://example.test/', title: 'Example' };

/** The answer to `Target.getTargets`: its page, and a target that is not a page. */
const TARGETS = ['page', 'service_worker'].map((type, i) => {
  const { id, url, title } = ECHO_PAGE;
  return { targetId: i === 0 ? id : 'WORKER1', type, url, title };
});

const BROWSER_PATH = '/devtools/browser/00000000-0000-4000-8000-000000000001';

/* The answers of a browser over HTTP, by path. */
const jsonAnswers = (origin: string): Readonly<Record<string, unknown>> => ({
  '/json/version': { Browser: 'Echo/1.0', webSocketDebuggerUrl: origin + BROWSER_PATH },
  '/json/list': [
    {
      ...ECHO_PAGE,
      type: 'page',
      devtoolsFrontendUrl: `/devtools/inspector.html?ws=${origin.slice(5)}/devtools/page/PAGE1`,
      webSocketDebuggerUrl: `${origin}/devtools/page/PAGE1`,
    },
  ],
  '/json/protocol': { domains: [], version: { major: '1', minor: '3' } },
});

// SAFETY: the server listens on a TCP port.
const addressOf = (server: Server): AddressInfo => server.address() as AddressInfo;

/** Starts one on loopback. */
export async function startEchoBrowser(): Promise<EchoBrowser> {
  const upgrades: { path: string; headers: Record<string, unknown> }[] = [];
  const server = createServer((request, response) => {
    const { port } = addressOf(server);
    const answer = jsonAnswers(`ws://127.0.0.1:${port}`)[request.url ?? ''];
    response.writeHead(answer === undefined ? 404 : 200, {
      'content-type': 'application/json; charset=UTF-8',
    });
    response.end(JSON.stringify(answer));
  });
  const sockets = new WebSocketServer({ server });
  const dropClients = (): void => sockets.clients.forEach(socket => socket.terminate());
  sockets.on('connection', (socket, request) => {
    upgrades.push({ path: request.url ?? '', headers: { ...request.headers } });
    socket.on('message', (data: Buffer, isBinary) => {
      const [, id] = /^{"id":(\d+),"method":"Target.getTargets"/.exec(data.toString()) ?? [];
      if (id === undefined) socket.send(data, { binary: isBinary });
      else socket.send(JSON.stringify({ id: Number(id), result: { targetInfos: TARGETS } }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = addressOf(server);
  return {
    endpoint: {
      port,
      path: BROWSER_PATH,
      ...(await findHostIdentity(systemProcesses)),
      gateway: null,
      gatewaySocket: null,
    },
    upgrades,
    dropClients,
    close: async () => {
      dropClients();
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}
