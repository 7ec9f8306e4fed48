import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Endpoint } from '../../machines/session/session.types';
import { findHere } from '../../src/browser/dial';
import { systemProcesses } from '../../src/core/process-identity';

/** Something that answers like a browser's DevTools server: tells its pages, and says back whatever else it is told. */
export interface EchoBrowser {
  /** Where it is, as a keeper on this machine would report it. */
  readonly endpoint: Endpoint;
  /** Upgrade requests it has seen: their path and headers. */
  readonly upgrades: readonly {
    readonly path: string;
    readonly headers: Readonly<Record<string, unknown>>;
  }[];
  close(): Promise<void>;
}

/** Its only page. */
export const ECHO_PAGE = { id: 'PAGE1', url: 'https://example.test/', title: 'Example' };

/** As `Target.getTargets` tells it, beside something that is no page. */
const TARGETS = ['page', 'service_worker'].map((type, i) => {
  const { id, url, title } = ECHO_PAGE;
  return { targetId: i === 0 ? id : 'WORKER1', type, url, title };
});

/** Starts one on loopback. */
export async function startEchoBrowser(): Promise<EchoBrowser> {
  const upgrades: { path: string; headers: Record<string, unknown> }[] = [];
  const server = createServer();
  const sockets = new WebSocketServer({ server });
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
  // SAFETY: the server listens on a TCP port.
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: {
      port,
      path: '/devtools/browser/00000000-0000-4000-8000-000000000001',
      ...(await findHere(systemProcesses)),
      gateway: null,
      gatewaySocket: null,
    },
    upgrades,
    close: async () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}
