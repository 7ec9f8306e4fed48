import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { closeFrame } from '../../src/core/server-frames';
import { spliceUpgrade, type Splice } from '../../src/core/splice';
import { frameBytes } from '../support/websocket-frames';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

/** The first bytes that the upstream got, and its side of the connection. */
interface Arrival {
  readonly socket: Socket;
  readonly request: string;
}

let upstream: TcpServer;
let front: Server;
let arrivals: Arrival[];
let splices: Splice[];
let clientChunks: number;
/** Called when the upstream has gone; null: not used. */
let onGone: ((splice: Splice | undefined) => void) | null;

beforeEach(async () => {
  arrivals = [];
  splices = [];
  clientChunks = 0;
  onGone = null;
  upstream = createTcpServer(socket => {
    socket.on('error', () => socket.destroy());
    socket.once('data', data => arrivals.push({ socket, request: data.toString() }));
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  front = createServer();
  front.on('upgrade', (request, client: Socket, head) => {
    const socket = connect(portOf(upstream), '127.0.0.1', () => {
      splices.push(
        spliceUpgrade({
          client,
          head,
          request,
          upstream: socket,
          upstreamPath: '/devtools/browser/1',
          upstreamHost: '127.0.0.1:1',
          onClientBytes: () => (clientChunks += 1),
          ...(onGone === null ? {} : { onUpstreamGone: () => onGone?.(splices.at(-1)) }),
        }),
      );
    });
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
});

afterEach(async () => {
  for (const splice of splices) splice.close();
  await Promise.all(splices.map(({ closed }) => closed));
  front.closeAllConnections();
  await Promise.all([front, upstream].map(server => new Promise(resolve => server.close(resolve))));
});

function portOf(server: { address(): unknown }): number {
  // SAFETY: both servers listen on TCP.
  return (server.address() as AddressInfo).port;
}

/** A client that has sent its upgrade, and the upstream's end of it. */
async function join(extra = ''): Promise<{ client: Socket; server: Socket; request: string }> {
  const client = connect(portOf(front), '127.0.0.1');
  client.on('error', () => client.destroy());
  client.write(
    `GET /x HTTP/1.1\r\nhost: h\r\nconnection: Upgrade\r\nupgrade: websocket\r\norigin: http://o\r\n`,
  );
  client.write(`sec-websocket-key: abc\r\nsec-websocket-extensions: permessage-deflate\r\n\r\n${extra}`);
  const { socket, request } = await pollUntil('the upstream', { timeoutMs: 2_000, everyMs: 2 }, () =>
    arrivals.at(-1),
  );
  return { client, server: socket, request };
}

test('the upgrade asks for the upstream path and passes neither origin nor extensions on', async () => {
  const { request, client } = await join();
  expect(request).toBe(
    'GET /devtools/browser/1 HTTP/1.1\r\nhost: 127.0.0.1:1\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: abc\r\n\r\n',
  );
  client.destroy();
});

test('what the client sent behind its request is not lost', async () => {
  const { server, client, request } = await join('early');
  if (!request.endsWith('early')) expect(String((await once(server, 'data'))[0])).toBe('early');
  expect(clientChunks).toBe(1);
  client.destroy();
});

test('the answer of the upstream reaches the client as it is', async () => {
  const { server, client } = await join();
  server.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
  expect(String((await once(client, 'data'))[0])).toBe('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
  await once(client, 'close');
});

test('a slow reader stops the sender and loses nothing', async () => {
  const { server, client } = await join();
  const total = 32 * 1_048_576;
  client.pause();
  let sent = 0;
  const pump = (): void => {
    while (sent < total) {
      sent += 65_536;
      if (!server.write(Buffer.alloc(65_536))) return void server.once('drain', pump);
    }
  };
  pump();
  // The buffers on the way are far smaller than what was sent, so the sender must be waiting.
  await pollUntil('the sender to be stopped', { timeoutMs: 2_000, everyMs: 20 }, () =>
    server.writableNeedDrain ? true : undefined,
  );
  expect(sent).toBeLessThan(total);
  let received = 0;
  client.on('data', chunk => (received += chunk.length)).resume();
  await pollUntil('all bytes', { timeoutMs: 10_000, everyMs: 5 }, () =>
    received >= total ? true : undefined,
  );
  expect(received).toBe(total);
  client.destroy();
});

test.each(['client', 'server'] as const)('when the %s hangs up, everything is closed', async side => {
  const { server, client } = await join();
  (side === 'client' ? client : server).end();
  (side === 'client' ? server : client).resume();
  await splices[0]?.closed;
  await Promise.all([server, client].filter(({ closed }) => !closed).map(socket => once(socket, 'close')));
});

test('when the client is reset, the upstream is closed', async () => {
  const { server, client } = await join();
  client.resetAndDestroy();
  server.resume();
  await splices[0]?.closed;
  if (!server.closed) await once(server, 'close');
});

test('a close ends both sides, even if the client does not read', async () => {
  const { server, client } = await join();
  client.pause();
  server.write(Buffer.alloc(16 * 1_048_576));
  const closedAt = performance.now();
  splices[0]?.close();
  await splices[0]?.closed;
  expect(performance.now() - closedAt).toBeLessThan(scaled(2_000));
  client.destroy();
});

describe('a client that gets a close reason', () => {
  const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\n\r\n';
  const frame = frameBytes({ payload: Buffer.alloc(1_000, 'x'), mask: null });
  const closing = closeFrame({ code: 4_408, reason: 'idle_timeout' });
  const WHY = { code: 4_408, reason: 'idle_timeout' };

  /** Everything a client gets until it is closed. */
  const received = async (client: Socket): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of client) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const until = (bytes: number) =>
    pollUntil('the bytes', { timeoutMs: 2_000, everyMs: 2 }, () =>
      (splices.at(-1)?.bytes().toClient ?? 0) >= bytes ? true : undefined,
    );

  beforeEach(() => (onGone = () => undefined));

  it('gets everything and then a close frame', async () => {
    const { client, server } = await join();
    server.write(Buffer.concat([Buffer.from(SWITCHED), frame]));
    const all = received(client);
    await until(SWITCHED.length + frame.length);
    splices.at(-1)?.close(WHY);
    expect((await all).equals(Buffer.concat([Buffer.from(SWITCHED), frame, closing]))).toBe(true);
  });

  it('gets it behind the frame that is under way', async () => {
    const { client, server } = await join();
    server.write(Buffer.concat([Buffer.from(SWITCHED), frame.subarray(0, 500)]));
    const all = received(client);
    await until(SWITCHED.length + 500);
    splices.at(-1)?.close(WHY);
    server.write(frame.subarray(500));
    expect((await all).equals(Buffer.concat([Buffer.from(SWITCHED), frame, closing]))).toBe(true);
  });

  it('is closed without it when that frame does not end', async () => {
    const { client, server } = await join();
    server.write(Buffer.concat([Buffer.from(SWITCHED), frame.subarray(0, 500)]));
    const all = received(client);
    await until(SWITCHED.length + 500);
    splices.at(-1)?.close(WHY);
    expect((await all).length).toBe(SWITCHED.length + 500);
  });

  it('gets it although it still sends', async () => {
    const { client, server } = await join();
    server.write(SWITCHED);
    const all = received(client);
    await until(SWITCHED.length);
    client.write(Buffer.alloc(1_000_000));
    splices.at(-1)?.close(WHY);
    expect((await all).subarray(SWITCHED.length).equals(closing)).toBe(true);
    client.destroy();
  });

  it('is left open when the upstream goes, until the reason is known', async () => {
    const gone = new Promise<Splice | undefined>(resolve => (onGone = resolve));
    const { client, server } = await join();
    server.end(SWITCHED);
    const all = received(client);
    (await gone)?.close(WHY);
    expect((await all).equals(Buffer.concat([Buffer.from(SWITCHED), closing]))).toBe(true);
  });

  it.each([
    ['refused it', Buffer.from('HTTP/1.1 404 Not Found\r\n\r\n')],
    ['sent a close frame itself', Buffer.concat([Buffer.from(SWITCHED), closing])],
  ])('is closed at once when the upstream has %s', async (_what, last) => {
    onGone = () => {
      throw new Error('nobody is to be told');
    };
    const { client, server } = await join();
    server.end(last);
    expect((await received(client)).equals(last)).toBe(true);
  });
});
