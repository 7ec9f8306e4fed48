import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer, request as requestOf, type IncomingMessage, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer } from 'node:tls';
import { ForwardProxy } from '../../../workers/keeper/companions/forward-proxy/forward-proxy';
import type { ForwardProxyOrder } from '../../../workers/keeper/companions/forward-proxy/program';
import { browserUser } from '../../../workers/keeper/process/run-root';
import { makeTempDir } from '../../support/temp-dir';
import { pollUntil } from '../../support/poll-until';
import {
  PROXY_CERTIFICATE,
  startHttpProxy,
  startHttpsProxy,
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
      response.writeHead(201, { 'X-Two': ['a', 'b'], connection: 'close, x-mine', 'x-mine': '1' });
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
  { port }: { port: number },
  url: string,
  { method = 'GET', body = '', more = {} } = {},
): Promise<{ status: number; headers: IncomingMessage['headers']; rawHeaders: string[]; body: string }> {
  const headers = { Host: new URL(url, 'http://x').host, 'Proxy-Connection': 'keep-alive', ...more };
  const request = requestOf({ host: '127.0.0.1', port, path: url, method, headers });
  request.end(body);
  // SAFETY: what `response` comes with.
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const { statusCode: status = 0, headers: answered, rawHeaders } = response;
  return { status, headers: answered, rawHeaders, body: await text(response) };
}

/** A CONNECT; answers with the status line and the socket behind it. */
async function tunnel(
  { port }: { port: number },
  target: string,
): Promise<{ status: string; socket: Socket }> {
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

/** A TCP server that only does what it is given; answers its address. */
async function startSilent(onConnection: (socket: Socket) => unknown): Promise<string> {
  const server = createTcpServer(socket => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push({ close: () => new Promise(resolve => server.close(() => resolve())) });
  return `127.0.0.1:${portOf(server)}`;
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

  test('headers keep their case, order and number, so that a proxied browser looks like itself', async () => {
    const { proxy } = await open(start);
    const more = { 'X-One': '1', 'accept-Language': 'de', DNT: '1', 'X-Many': ['a', 'b'] };
    const { rawHeaders } = await ask(proxy, `${originUrl}/`, { more });
    const names = (seen[0]?.rawHeaders ?? []).filter((_text, i) => i % 2 === 0);
    expect(names.slice(0, 6)).toEqual(['Host', 'X-One', 'accept-Language', 'DNT', 'X-Many', 'X-Many']);
    expect(rawHeaders.slice(0, 4)).toEqual(['X-Two', 'a', 'X-Two', 'b']);
  });

  test('addresses reach the proxy as addresses, IPv6 without its brackets', async () => {
    const { proxy, upstream } = await open(start);
    const port = portOf(origin);
    for (const host of ['127.0.0.1', '[2001:db8::7]', '[::ffff:127.0.0.1]']) {
      expect((await tunnel(proxy, `${host}:${port}`)).status).toMatch(/^HTTP\/1\.1 200 /);
    }
    const inUrls = upstream.carried.map(line => new URL(line.replace('CONNECT ', 'http://')).host);
    expect(inUrls).toEqual([`127.0.0.1:${port}`, `[2001:db8::7]:${port}`, `[::ffff:7f00:1]:${port}`]);
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

interface Program {
  readonly child: ChildProcess;
  readonly port: number;
  /** The file of its reports. */
  readonly reports: string;
}

/** The program itself, with its order. */
async function startProgram(upstream: ForwardProxyOrder['upstream'], env = {}): Promise<Program> {
  const hook = join(__dirname, '../../support/typescript-hook.cjs');
  const program = join(__dirname, '../../../workers/keeper/companions/forward-proxy/main.ts');
  const folder = await makeTempDir();
  opened.push({ close: () => folder.remove() });
  const reports = join(folder.path, 'traffic');
  const fd = openSync(reports, 'w+');
  const child = spawn(process.execPath, ['-r', hook, program], {
    env,
    stdio: ['pipe', 'pipe', 'inherit', fd],
  });
  closeSync(fd);
  const exited = once(child, 'exit');
  opened.push({
    close: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  });
  const at = { host: '127.0.0.1', port: 0, socket: null };
  const order: ForwardProxyOrder = { ...at, upstream, egress: null, user: browserUser() };
  child.stdin!.write(`${JSON.stringify(order)}\n`);
  // SAFETY: an answer without a port fails the test.
  const { port } = (await lineOf(child)) as { port: number };
  return { child, port, reports };
}

async function lineOf({ stdout }: ChildProcess): Promise<unknown> {
  // SAFETY: a stream without an encoding emits buffers; the program writes its lines one at a time.
  const [line] = (await once(stdout!, 'data')) as [Buffer];
  return JSON.parse(String(line));
}

describe('without an upstream yet', () => {
  test('everything is refused with the reason, and nothing is held until it is known', async () => {
    const upstream = await startHttpProxy(KNOWN);
    opened.push(upstream);
    const proxy = await ForwardProxy.listen('127.0.0.1', 0, 'later');
    opened.push(proxy);
    const early = await ask(proxy, `${originUrl}/early`);
    expect([early.status, early.body]).toEqual([502, 'the proxy of the session is not known yet\n']);
    expect((await tunnel(proxy, 'early.test:443')).status).toMatch(/^HTTP\/1\.1 502 /);
    proxy.assign({ server: upstream.url, ...KNOWN });
    expect(await ask(proxy, `${originUrl}/late`)).toMatchObject({ status: 201 });
    expect(upstream.carried).toEqual([`GET ${originUrl}/late`]);
  });

  test('the program waits for it, and says when it uses it', async () => {
    const upstream = await startHttpProxy(KNOWN);
    opened.push(upstream);
    const { child, port } = await startProgram('later');
    expect((await ask({ port }, `${originUrl}/early`)).status).toBe(502);
    child.stdin!.write(`${JSON.stringify({ server: upstream.url, ...KNOWN })}\n`);
    expect(await lineOf(child)).toEqual({ port });
    expect(await ask({ port }, `${originUrl}/late`)).toMatchObject({ status: 201 });
  });

  test.each([
    ['is not valid', '{"server":"ftp://127.0.0.1:21"}\n', 'proxies with the scheme ftp: are not supported'],
    ['never comes, because its keeper has ended', '', 'the keeper says no more'],
  ])('the program ends if it %s', async (_what, said, error) => {
    const { child } = await startProgram('later');
    const exited = once(child, 'exit');
    child.stdin!.end(said);
    expect(await lineOf(child)).toEqual({ error });
    expect(await exited).toEqual([1, null]);
  });
});

describe('in front of an HTTPS proxy', () => {
  /** A program of its own: Node reads the authorities that it knows when it starts. */
  async function behindHttps(env: NodeJS.ProcessEnv): Promise<Program & { carried: string[] }> {
    const upstream = await startHttpsProxy(KNOWN);
    opened.push(upstream);
    const program = await startProgram({ server: upstream.url, ...KNOWN }, env);
    return { ...program, carried: upstream.carried };
  }

  test('requests and tunnels go through it', async () => {
    const proxy = await behindHttps({ NODE_EXTRA_CA_CERTS: PROXY_CERTIFICATE });
    expect(await ask(proxy, `${originUrl}/a`)).toMatchObject({ status: 201, body: 'GET /a ' });
    const target = await startEcho();
    const { status, socket } = await tunnel(proxy, target);
    expect(status).toMatch(/^HTTP\/1\.1 200 /);
    socket.end('hello');
    expect(await text(socket)).toBe('hello');
    expect(proxy.carried).toEqual([`GET ${originUrl}/a`, `CONNECT ${target}`]);
    // What has gone through is written down where its keeper finds it.
    const report = await pollUntil('a report', { timeoutMs: 5_000, everyMs: 20 }, () => {
      const text = readFileSync(proxy.reports, 'utf8');
      return text === '' ? undefined : text;
    });
    expect(report).toHaveLength(4_096);
    expect(JSON.parse(report)).toEqual({
      sentBytes: expect.any(Number),
      receivedBytes: expect.any(Number),
      refused: 0,
      refusedHosts: [],
      beat: expect.any(Number),
    });
  });

  test('a certificate of an unknown authority is an error, and the password stays here', async () => {
    const proxy = await behindHttps({});
    const { status, body } = await ask(proxy, `${originUrl}/`);
    expect([status, body]).toEqual([502, expect.stringContaining('self-signed certificate')]);
    expect((await tunnel(proxy, 'page.test:443')).status).toMatch(/^HTTP\/1\.1 502 [^]*self-signed/);
    expect([seen, proxy.carried]).toEqual([[], []]);
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

test.each(['HTTP/1.1 099 Odd', 'HTTP/1.1 200 a\x01b'])('an answer that begins %j is an error', async line => {
  const answer = `${line}\r\ncontent-length: 2\r\n\r\nok`;
  const server = `http://${await startSilent(socket => socket.once('data', () => socket.end(answer)))}`;
  const proxy = await ForwardProxy.listen('127.0.0.1', 0, { server, ...KNOWN });
  opened.push(proxy);
  for (const path of ['a', 'b']) {
    const { status, body } = await ask(proxy, `http://page.test/${path}`);
    expect([status, body]).toEqual([502, expect.stringContaining('the answer cannot be passed on')]);
  }
});

test('replies of a SOCKS5 proxy may come byte by byte', async () => {
  const replies = [
    [5, 0],
    [5, 0, 0, 1, 127, 0, 0, 1, 0, 80],
  ].map(bytes => Buffer.from(bytes));
  const address = await startSilent(async socket => {
    socket.setNoDelay(true);
    for (const reply of replies) {
      await once(socket, 'data');
      for (const byte of reply) await new Promise(resolve => socket.write(Buffer.from([byte]), resolve));
    }
    socket.write('from the page');
  });
  const server = `socks5://${address}`;
  const proxy = await ForwardProxy.listen('127.0.0.1', 0, { server, username: null, password: null });
  opened.push(proxy);
  const { status, socket } = await tunnel(proxy, 'page.test:443');
  expect(status).toMatch(/^HTTP\/1\.1 200 /);
  const [bytes] = status.endsWith('from the page') ? [status] : await once(socket, 'data');
  expect(String(bytes)).toContain('from the page');
});

test.each(['http', 'socks5'])('a tunnel through a silent %s proxy is an error after 20 s', async scheme => {
  const held: Socket[] = [];
  const address = await startSilent(socket => held.push(socket));
  const proxy = await ForwardProxy.listen('127.0.0.1', 0, { server: `${scheme}://${address}`, ...KNOWN });
  opened.push(proxy);
  const doNotFake = ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const;
  jest.useFakeTimers({ doNotFake: [...doNotFake, 'setImmediate', 'clearImmediate', 'setInterval'] });
  try {
    const answer = tunnel(proxy, 'page.test:443');
    while (held.length === 0) await new Promise(resolve => setImmediate(resolve));
    jest.advanceTimersByTime(19_900);
    const closed = once(held[0]!, 'close');
    held[0]!.resume();
    jest.advanceTimersByTime(200);
    expect((await answer).status).toMatch(/^HTTP\/1\.1 502 [^]*took longer than 20000 ms/);
    await closed;
  } finally {
    jest.useRealTimers();
  }
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
