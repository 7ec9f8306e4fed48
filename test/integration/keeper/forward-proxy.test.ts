import { once } from 'node:events';
import { createServer, request as requestOf, type IncomingMessage, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer } from 'node:tls';
import { ForwardProxy } from '../../../workers/keeper/companions/forward-proxy/forward-proxy';
import {
  startHttpProxy,
  startSocksProxy,
  type Credentials,
  type UpstreamProxyServer,
} from '../../support/upstream-proxy';

const KNOWN = { username: 'ann', password: 'pass:word ü' };

let origin: Server;
let originUrl: string;
let seen: IncomingMessage[];
let opened: { close(): Promise<void> }[];

beforeEach(async () => {
  seen = [];
  opened = [];
  origin = createServer((request, response) => {
    seen.push(request);
    void text(request).then(body => {
      response.writeHead(201, { 'x-two': ['a', 'b'], connection: 'close, x-mine', 'x-mine': '1' });
      response.end(`${request.method ?? ''} ${request.url ?? ''} ${body}`);
    });
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  originUrl = `http://127.0.0.1:${portOf(origin)}`;
});

afterEach(async () => {
  for (const one of opened.reverse()) await one.close();
  origin.closeAllConnections();
  origin.close();
});

// SAFETY: a listening TCP server has an AddressInfo.
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

const UPSTREAMS = [
  ['an HTTP proxy', startHttpProxy],
  ['a SOCKS5 proxy', startSocksProxy],
] as const;

type StartUpstream = (known: Credentials) => Promise<UpstreamProxyServer>;

async function open(
  start: StartUpstream,
  given: Credentials = KNOWN,
): Promise<{ proxy: ForwardProxy; upstream: UpstreamProxyServer }> {
  const upstream = await start(KNOWN);
  opened.push(upstream);
  const proxy = await ForwardProxy.listen('127.0.0.1', 0, { server: upstream.url, ...given });
  opened.push(proxy);
  return { proxy, upstream };
}

/** A request as browsers send it to a proxy, with a whole URL. */
async function ask(
  { port }: ForwardProxy,
  url: string,
  { method = 'GET', body = '' } = {},
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  const headers = { host: new URL(url, 'http://x').host, 'proxy-connection': 'keep-alive' };
  const request = requestOf({ host: '127.0.0.1', port, path: url, method, headers });
  request.end(body);
  // SAFETY: what `response` comes with.
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

/** A CONNECT; answers with the status line and the socket behind it. */
async function tunnel({ port }: ForwardProxy, target: string): Promise<{ status: string; socket: Socket }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  opened.push({ close: () => Promise.resolve(void socket.destroy()) });
  socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`);
  // SAFETY: a socket without an encoding emits buffers.
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return { status: String(answer), socket };
}

/** A server that answers with what it was sent once the other side has sent FIN. */
async function startEcho(): Promise<string> {
  const echo = createTcpServer({ allowHalfOpen: true }, socket => {
    const chunks: Buffer[] = [];
    socket.on('error', () => undefined);
    socket.on('data', chunk => chunks.push(chunk));
    socket.on('end', () => socket.end(Buffer.concat(chunks)));
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  opened.push({ close: () => new Promise(resolve => echo.close(() => resolve())) });
  return `127.0.0.1:${portOf(echo)}`;
}

describe.each(UPSTREAMS)('in front of %s', (_name, start) => {
  test('requests reach their server, without the credentials for the proxy', async () => {
    const { proxy, upstream } = await open(start);
    const answer = await ask(proxy, `${originUrl}/a?b=c`, { method: 'POST', body: 'hello' });
    expect(answer).toMatchObject({ status: 201, body: 'POST /a?b=c hello', headers: { 'x-two': 'a, b' } });
    expect(upstream.carried).toHaveLength(1);
    expect(Object.keys(seen[0]?.headers ?? {})).not.toContain('proxy-authorization');
    expect(Object.keys(seen[0]?.headers ?? {})).not.toContain('proxy-connection');
    // Headers of one hop are not passed on.
    expect(answer.headers['x-mine']).toBeUndefined();
  });

  test('tunnels carry megabytes both ways and close one direction at a time', async () => {
    const { proxy, upstream } = await open(start);
    const target = await startEcho();
    const { status, socket } = await tunnel(proxy, target);
    expect(status).toMatch(/^HTTP\/1\.1 200 /);
    expect(upstream.carried).toEqual([`CONNECT ${target}`]);
    const sent = Buffer.alloc(8 * 2 ** 20, 'holdfast');
    socket.end(sent);
    const chunks: Buffer[] = [];
    socket.on('data', chunk => chunks.push(chunk));
    await once(socket, 'end');
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  });

  test('wrong credentials are an error, and no request bypasses the proxy', async () => {
    const { proxy, upstream } = await open(start, { ...KNOWN, password: 'wrong' });
    expect(await ask(proxy, `${originUrl}/`)).toMatchObject({
      status: 502,
      body: 'the upstream proxy refused the credentials\n',
    });
    const { status } = await tunnel(proxy, originUrl.slice('http://'.length));
    expect(status).toMatch(/^HTTP\/1\.1 502 /);
    expect(status).toContain('the upstream proxy refused the credentials');
    expect(seen).toEqual([]);
    expect([upstream.carried, upstream.refused()]).toEqual([[], 2]);
  });

  test('a proxy that is gone is an error, and no request bypasses it', async () => {
    const { proxy, upstream } = await open(start);
    await upstream.close();
    opened = opened.filter(one => one !== upstream);
    expect(await ask(proxy, `${originUrl}/`)).toMatchObject({ status: 502 });
    expect((await tunnel(proxy, originUrl.slice('http://'.length))).status).toMatch(/^HTTP\/1\.1 502 /);
    expect(seen).toEqual([]);
  });
});

test('the TLS handshake names the HTTPS proxy, never the host of the page', async () => {
  const names: string[] = [];
  // It has no certificate: the name comes before that.
  const proxyServer = createTlsServer({
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  proxyServer.on('tlsClientError', () => undefined);
  proxyServer.listen(0, '127.0.0.1');
  await once(proxyServer, 'listening');
  opened.push({ close: () => new Promise(resolve => proxyServer.close(() => resolve())) });
  const server = `https://localhost:${portOf(proxyServer)}`;
  const proxy = await ForwardProxy.listen('127.0.0.1', 0, { server, ...KNOWN });
  opened.push(proxy);
  expect(await ask(proxy, 'http://page.test/')).toMatchObject({ status: 502 });
  expect((await tunnel(proxy, 'page.test:443')).status).toMatch(/^HTTP\/1\.1 502 /);
  expect(names).toEqual(['localhost', 'localhost']);
});

test('a connection that the proxy has just closed loses no request, and no POST is sent twice', async () => {
  const arrived: string[] = [];
  // Answers one request on each connection, and closes it without an answer at the next one.
  const proxyServer = createTcpServer(socket => {
    const isFirst = { now: true };
    socket.on('error', () => undefined);
    socket.on('data', chunk => {
      arrived.push(String(chunk).split(' ', 1)[0] ?? '');
      if (!isFirst.now) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      isFirst.now = false;
    });
  });
  proxyServer.listen(0, '127.0.0.1');
  await once(proxyServer, 'listening');
  opened.push({ close: () => new Promise(resolve => proxyServer.close(() => resolve())) });
  const server = `http://127.0.0.1:${portOf(proxyServer)}`;
  const proxy = await ForwardProxy.listen('127.0.0.1', 0, { server, ...KNOWN });
  opened.push(proxy);
  for (const method of ['GET', 'GET', 'POST', 'GET']) {
    expect(await ask(proxy, 'http://page.test/', { method })).toMatchObject({ status: 200, body: 'ok' });
  }
  expect(arrived.filter(method => method === 'POST')).toHaveLength(1);
  expect(arrived.filter(method => method === 'GET').length).toBeGreaterThan(3);
});

test('names are resolved by the SOCKS5 proxy', async () => {
  const { proxy, upstream } = await open(startSocksProxy);
  const { status } = await ask(proxy, `http://only.the.proxy.knows.test:${portOf(origin)}/`);
  expect(status).toBe(201);
  expect(upstream.carried).toEqual([`CONNECT only.the.proxy.knows.test:${portOf(origin)}`]);
});

test.each(['/', '/v1/sessions', 'https://example.test/'])(
  'a request for %s, as a page can send it to a port, is refused',
  async path => {
    const { proxy, upstream } = await open(startHttpProxy);
    expect(await ask(proxy, path)).toMatchObject({ status: 400 });
    expect(upstream.carried).toEqual([]);
  },
);

test.each(['example.test', 'example.test:99999', 'a b:1', 'user@example.test:1', ''])(
  'a tunnel to %p is refused',
  async target => {
    const { proxy, upstream } = await open(startHttpProxy);
    expect((await tunnel(proxy, target)).status).toMatch(/^HTTP\/1\.1 400 /);
    expect(upstream.carried).toEqual([]);
  },
);

test('a proxy with an unknown scheme is refused', async () => {
  const server = { server: 'ftp://127.0.0.1:21', username: null, password: null };
  await expect(ForwardProxy.listen('127.0.0.1', 0, server)).rejects.toThrow('ftp:');
});
