import { once } from 'node:events';
import { createServer, request as requestOf, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { OPEN_EGRESS, type EgressConfig } from '../../../src/config/egress';
import { ForwardProxy } from '../../../workers/keeper/companions/forward-proxy/forward-proxy';
import { EgressGuard, type Network } from '../../../workers/keeper/egress/egress-guard';
import type { EgressRules } from '../../../workers/keeper/egress/egress-policy';
import type { UpstreamProxy } from '../../../workers/keeper/door/protocol';
import { startHttpProxy, startSocksProxy } from '../../support/upstream-proxy';

/** The site that may be reached; it is on loopback, so an entry with its port opens it. */
let site: Server;
let sitePort: number;
/** What nobody may reach, on the same machine. */
let canary: Server;
let canaryPort: number;
let hits: string[];
let opened: { close(): Promise<void> }[];

// SAFETY: a listening TCP server has an AddressInfo.
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeEach(async () => {
  hits = [];
  opened = [];
  canary = createServer((request, response) => {
    hits.push(request.url ?? '');
    response.end('secret');
  }).on('connection', () => hits.push('connected'));
  site = createServer((request, response) => {
    if (request.url === '/to-canary')
      response.writeHead(302, { location: `http://canary.test:${canaryPort}/` }).end();
    else if (request.url === '/407')
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="a"' }).end();
    else response.setHeader('x-seen', `${request.headers.host ?? ''}${request.url ?? ''}`).end('site');
  });
  for (const server of [site, canary]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  sitePort = portOf(site);
  canaryPort = portOf(canary);
});

afterEach(async () => {
  for (const one of opened.reverse()) await one.close();
  for (const server of [site, canary]) {
    server.closeAllConnections();
    server.close();
  }
});

/** A resolver that gives each name its answers in turn, and remembers what it was asked. */
function resolver(
  answers: Readonly<Record<string, readonly (readonly string[])[]>>,
): Network & { asked: string[] } {
  const asked: string[] = [];
  const resolve = (host: string): ReturnType<Network['resolve']> => {
    const turns = answers[host] ?? [];
    const addresses = turns[asked.filter(one => one === host).length] ?? turns.at(-1);
    asked.push(host);
    if (addresses === undefined) return Promise.reject(new Error(`getaddrinfo ENOTFOUND ${host}`));
    return Promise.resolve(addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })));
  };
  return { asked, resolve, ownAddresses: () => new Set(['127.0.0.1', '::1', '10.0.0.5']) };
}

const publicBut = (...allow: string[]): EgressConfig => ({ mode: 'public', allow, deny: [] });

async function listen(
  rules: EgressConfig & Partial<EgressRules>,
  network: Network,
  upstream: UpstreamProxy | null = null,
): Promise<ForwardProxy> {
  const guard = new EgressGuard({ tenant: null, session: null, ...rules }, network);
  const proxy = await ForwardProxy.listen('127.0.0.1', 0, upstream, guard);
  opened.push(proxy);
  return proxy;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function ask({ port }: ForwardProxy, url: string, agent?: false): Promise<Answer> {
  const headers = { Host: new URL(url).host };
  const request = requestOf({ host: '127.0.0.1', port, path: url, headers, agent });
  request.end();
  // SAFETY: what `response` comes with.
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

async function tunnel({ port }: ForwardProxy, target: string): Promise<{ answer: string; socket: Socket }> {
  const socket = connect({ port, host: '127.0.0.1' });
  opened.push({ close: () => Promise.resolve(void socket.destroy()) });
  socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`);
  // SAFETY: a socket without an encoding emits buffers.
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return { answer: String(answer), socket };
}

describe('a browser that may reach public addresses and one site', () => {
  test('loads the site by its name, over requests and tunnels', async () => {
    const network = resolver({ 'site.test': [['127.0.0.1']] });
    const proxy = await listen(publicBut(`site.test:${sitePort}`), network);
    const url = `http://Site.test:${sitePort}/a?b=c`;
    expect(await ask(proxy, url)).toMatchObject({ status: 200, body: 'site' });
    expect((await ask(proxy, url)).headers['x-seen']).toBe(`site.test:${sitePort}/a?b=c`);
    const { answer, socket } = await tunnel(proxy, `site.test:${sitePort}`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    socket.end('GET /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n');
    expect(await text(socket)).toContain('x-seen: h/x');
    expect(proxy.traffic).toMatchObject({ refused: 0, refusedHosts: [] });
  });

  test.each([['straight on'], ['through a SOCKS proxy']])(
    'gets no 407 of a site, which would make it ask for credentials, %s',
    async way => {
      const known = { username: 'ann', password: 'secret' };
      const socks = way === 'straight on' ? null : await startSocksProxy(known);
      if (socks !== null) opened.push(socks);
      const network = resolver({ 'site.test': [['127.0.0.1']] });
      const entries = ['site.test', '127.0.0.1'].map(host => `${host}:${sitePort}`);
      const allowed = publicBut(...entries, ...(socks === null ? [] : [new URL(socks.url).host]));
      const proxy = await listen(allowed, network, socks === null ? null : { server: socks.url, ...known });
      const { status, headers, body } = await ask(proxy, `http://127.0.0.1:${sitePort}/407`);
      expect([status, headers['proxy-authenticate']]).toEqual([502, undefined]);
      expect(body).toBe('the server asks for the credentials of a proxy (407), which it is not\n');
    },
  );

  test('is told 403 and who has refused for everything else, and nothing is connected', async () => {
    const network = resolver({
      'canary.test': [['127.0.0.1']],
      'both.test': [['127.0.0.1', '::1', '10.0.0.5', '::ffff:127.0.0.1']],
    });
    const proxy = await listen(publicBut(`site.test:${sitePort}`), network);
    const hosts = [
      '127.0.0.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      'canary.test',
      'both.test',
      'localhost',
      'a.localhost',
    ];
    for (const host of hosts) {
      const { status, headers, body } = await ask(proxy, `http://${host}:${canaryPort}/`);
      expect([host, status, headers['content-type']]).toEqual([host, 403, 'text/plain; charset=utf-8']);
      expect(body).toMatch(/ is refused by the egress policy of the installation\n$/);
      expect((await tunnel(proxy, `${host}:${canaryPort}`)).answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    }
    for (const spelling of ['0x7f.1', '2130706433', '127.1', '0177.0.0.1'])
      expect((await tunnel(proxy, `${spelling}:${canaryPort}`)).answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(hits).toEqual([]);
    expect(proxy.traffic.refused).toBe(2 * hosts.length + 4);
    expect(proxy.traffic.refusedHosts.at(-1)).toBe('127.0.0.1');
    expect(proxy.traffic.refusedHosts).toHaveLength(hosts.length);
  });

  test('does not follow a name that is given another address later', async () => {
    const network = resolver({
      'rebound.test': [['127.0.0.1'], ['127.0.0.1']],
      'turning.test': [['192.0.2.1'], ['127.0.0.1']],
    });
    const allowed = [`192.0.2.1:${canaryPort}`];
    const proxy = await listen(publicBut(...allowed), network);
    expect((await ask(proxy, `http://rebound.test:${canaryPort}/`)).status).toBe(403);
    // The permitted address is dialled, and nobody is there.
    const first = ask(proxy, `http://turning.test:${canaryPort}/`, false).catch(() => null);
    const second = await ask(proxy, `http://turning.test:${canaryPort}/`, false);
    expect(second.status).toBe(403);
    expect(network.asked).toEqual(['rebound.test', 'turning.test', 'turning.test']);
    for (const one of opened.splice(0)) await one.close();
    await first;
    expect(hits).toEqual([]);
  });

  test('resolves a name once for each connection, and dials what was judged', async () => {
    const network = resolver({ 'site.test': [['127.0.0.1'], ['10.0.0.5']] });
    const proxy = await listen(publicBut(`127.0.0.1:${sitePort}`), network);
    expect((await tunnel(proxy, `site.test:${sitePort}`)).answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(network.asked).toEqual(['site.test']);
    expect((await tunnel(proxy, `site.test:${sitePort}`)).answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(network.asked).toEqual(['site.test', 'site.test']);
  });

  test('dials the permitted ones of several addresses', async () => {
    const refused = createServer((_request, response) => {
      hits.push('refused');
      response.end('secret');
    });
    refused.listen(sitePort, '127.0.0.2');
    await once(refused, 'listening');
    opened.push({ close: () => new Promise(resolve => refused.close(() => resolve())) });
    const network = resolver({ 'mixed.test': [['127.0.0.2', '127.0.0.1']] });
    const proxy = await listen(publicBut(`127.0.0.1:${sitePort}`), network);
    expect(await ask(proxy, `http://mixed.test:${sitePort}/`)).toMatchObject({ status: 200, body: 'site' });
    expect((await tunnel(proxy, `mixed.test:${sitePort}`)).answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(hits).toEqual([]);
  });

  test('is redirected to the canary and gets no further', async () => {
    const network = resolver({ 'site.test': [['127.0.0.1']], 'canary.test': [['127.0.0.1']] });
    const proxy = await listen(publicBut(`site.test:${sitePort}`), network);
    const { status, headers } = await ask(proxy, `http://site.test:${sitePort}/to-canary`);
    expect(status).toBe(302);
    expect((await ask(proxy, headers.location ?? '')).status).toBe(403);
    expect(hits).toEqual([]);
  });

  test('is told 502 for a name that nobody knows, and for a server that is not there', async () => {
    const network = resolver({ 'down.test': [['127.0.0.1']] });
    const proxy = await listen(publicBut('down.test:1'), network);
    expect(await ask(proxy, 'http://unknown.test/')).toMatchObject({
      status: 502,
      body: expect.stringContaining('ENOTFOUND unknown.test'),
    });
    expect(await ask(proxy, 'http://down.test:1/')).toMatchObject({
      status: 502,
      body: expect.stringContaining('ECONNREFUSED'),
    });
    expect((await tunnel(proxy, 'unknown.test:443')).answer).toContain('unknown.test cannot be reached');
    expect(proxy.traffic.refused).toBe(0);
  });

  test('has its bytes counted, also while a tunnel is open', async () => {
    const proxy = await listen(publicBut(`127.0.0.1:${sitePort}`), resolver({}));
    const { socket } = await tunnel(proxy, `127.0.0.1:${sitePort}`);
    const before = proxy.traffic;
    const page = once(socket, 'data');
    socket.write('GET /x HTTP/1.1\r\nhost: h\r\n\r\n');
    await page;
    expect(proxy.traffic.sentBytes - before.sentBytes).toBe(28);
    expect(proxy.traffic.receivedBytes).toBeGreaterThan(before.receivedBytes + 50);
    const open = proxy.traffic;
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
    expect(proxy.traffic).toEqual(open);
  });
});

test('a session of an open installation is held to its own lists', async () => {
  const network = resolver({ 'site.test': [['127.0.0.1']] });
  const session = { allow: ['site.test', 'localhost'], deny: [`*:${canaryPort}`] };
  const proxy = await listen({ ...OPEN_EGRESS, session }, network);
  expect((await ask(proxy, `http://site.test:${sitePort}/`)).status).toBe(200);
  expect((await ask(proxy, `http://a.localhost:${sitePort}/`)).status).toBe(403);
  expect((await ask(proxy, `http://localhost:${sitePort}/`)).status).toBe(200);
  expect(await ask(proxy, `http://127.0.0.1:${sitePort}/`)).toMatchObject({
    status: 403,
    body: '127.0.0.1 is refused by the egress policy of the session\n',
  });
  expect((await ask(proxy, `http://localhost:${canaryPort}/`)).status).toBe(403);
  expect(hits).toEqual([]);
});

describe.each([
  ['an HTTP proxy', startHttpProxy],
  ['a SOCKS5 proxy', startSocksProxy],
])("with %s of the session's", (_name, start) => {
  const KNOWN = { username: 'ann', password: 'pass' };

  test('names go there unresolved, after they were compared with the lists', async () => {
    const upstream = await start(KNOWN);
    opened.push(upstream);
    const network = resolver({});
    const rules = { ...publicBut(new URL(upstream.url).host), deny: ['*.ads.test'] };
    const session = { allow: ['*.shop.test', '*.ads.test'], deny: [] };
    const proxy = await listen({ ...rules, session }, network, { server: upstream.url, ...KNOWN });
    expect(await ask(proxy, `http://a.shop.test:${sitePort}/`)).toMatchObject({ status: 200, body: 'site' });
    expect((await tunnel(proxy, `a.shop.test:${sitePort}`)).answer).toMatch(/^HTTP\/1\.1 200 /);
    const refused = [
      'a.ads.test',
      'b.test',
      'localhost',
      '127.0.0.1',
      '[::ffff:127.0.0.1]',
      '169.254.169.254',
    ];
    for (const host of refused) {
      expect((await ask(proxy, `http://${host}:${canaryPort}/`)).status).toBe(403);
      expect((await tunnel(proxy, `${host}:${canaryPort}`)).answer).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect(upstream.carried).toHaveLength(2);
    expect(network.asked).toEqual([]);
    expect(hits).toEqual([]);
  });

  test('its own address is held to the rules of the installation', async () => {
    const upstream = await start(KNOWN);
    opened.push(upstream);
    const { port, protocol } = new URL(upstream.url);
    const network = resolver({ 'proxy.test': [['127.0.0.1']] });
    for (const host of ['127.0.0.1', 'proxy.test']) {
      const proxy = await listen(publicBut(), network, { server: `${protocol}//${host}:${port}`, ...KNOWN });
      expect(await ask(proxy, 'http://a.test/')).toMatchObject({
        status: 403,
        body: `${host} is refused by the egress policy of the installation\n`,
      });
      expect((await tunnel(proxy, 'a.test:443')).answer).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect(upstream.carried).toEqual([]);
    expect(upstream.refused()).toBe(0);
  });
});
