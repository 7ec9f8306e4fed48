import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { SocksProxy } from '../../../workers/keeper/companions/forward-proxy/socks-proxy';
import { EgressGuard, UNGUARDED, type Network } from '../../../workers/keeper/egress/egress-guard';
import type { EgressRules } from '../../../workers/keeper/egress/egress-policy';
import { pollUntil } from '../../support/poll-until';

const SUCCEEDED = '05000001000000000000';

let site: Server;
let sitePort: number;
/** The hosts that requests which came to the site have named. */
let hosts: string[];
let proxy: SocksProxy;
let sockets: Socket[];

// SAFETY: a listening TCP server has an AddressInfo.
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

beforeEach(async () => {
  hosts = [];
  sockets = [];
  site = createServer((request, response) => {
    hosts.push(request.headers.host ?? '');
    response.end(`site ${request.url ?? ''}`);
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  sitePort = portOf(site);
  const rules: EgressRules = {
    ...{ mode: 'public', allow: [`site.test:${sitePort}`], deny: [] },
    ...{ tenant: null, session: null },
  };
  proxy = await SocksProxy.listen('127.0.0.1', 0, new EgressGuard(rules, NETWORK));
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await proxy.close();
  site.closeAllConnections();
  site.close();
});

const NETWORK: Network = {
  resolve: host =>
    host.endsWith('.test')
      ? Promise.resolve([{ address: '127.0.0.1', family: 4 }])
      : Promise.reject(new Error(`getaddrinfo ENOTFOUND ${host}`)),
  ownAddresses: () => new Set(['127.0.0.1', '::1']),
};

/** A connection to the proxy, and what it has answered so far. */
function open(port = proxy.port, allowHalfOpen = false): { socket: Socket; answered: () => string } {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
  sockets.push(socket);
  const chunks: Buffer[] = [];
  socket.on('data', chunk => chunks.push(chunk));
  socket.on('error', () => undefined);
  return { socket, answered: () => Buffer.concat(chunks).toString('hex') };
}

const GREETING = Buffer.from([5, 1, 0]);

function connectTo(port: number, addressType: number, address: Buffer): Buffer {
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16BE(port);
  return Buffer.concat([Buffer.from([5, 1, 0, addressType]), address, portBytes]);
}

const named = (host: string, port = sitePort): Buffer =>
  connectTo(port, 3, Buffer.concat([Buffer.from([host.length]), Buffer.from(host)]));

/** What comes back for bytes that are sent through the proxy to a host, from the reply of SOCKS on. */
async function ask(request: Buffer, bytes: string | Buffer, port?: number): Promise<string> {
  const { socket, answered } = open(port);
  socket.write(Buffer.concat([GREETING, request, Buffer.from(bytes)]));
  await once(socket, 'close');
  const all = Buffer.from(answered(), 'hex');
  expect(all.subarray(0, 2).toString('hex')).toBe('0500');
  expect(all.subarray(2, 12).toString('hex')).toBe(SUCCEEDED);
  return all.subarray(12).toString();
}

const get = (host: string, path = '/'): string =>
  `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;

describe('a browser that speaks SOCKS with its forward proxy', () => {
  test('loads the site that it may reach, in any spelling of its name', async () => {
    expect(await ask(named('site.test'), get('site.test', '/a'))).toContain('site /a');
    expect(await ask(named('SITE.test.'), get('site.test', '/b'))).toContain('site /b');
    expect(proxy.traffic).toMatchObject({ refused: 0, refusedHosts: [] });
    expect(proxy.traffic.sentBytes).toBeGreaterThan(100);
  });

  test.each([
    ['an IPv4 address', () => connectTo(sitePort, 1, Buffer.from([127, 0, 0, 1])), '127.0.0.1'],
    ['an IPv6 address', () => connectTo(sitePort, 4, Buffer.from(`${'00'.repeat(15)}01`, 'hex')), '::1'],
    [
      'IPv4 in IPv6',
      () => connectTo(sitePort, 4, Buffer.from(`${'00'.repeat(10)}ffff7f000001`, 'hex')),
      '::ffff:7f00:1',
    ],
    ['an address for a name', () => named('127.0.0.1'), '127.0.0.1'],
    ['IPv6 for a name', () => named('::1'), '::1'],
    ['a number', () => named('2130706433'), '127.0.0.1'],
    ['an octal number', () => named('0177.0.0.1'), '127.0.0.1'],
    ['a short form', () => named('0x7f.1'), '127.0.0.1'],
    ['another name for it', () => named('other.test'), 'other.test'],
    ['localhost', () => named('localhost'), 'localhost'],
  ])('is told 403 and who has refused for %s, and nothing is connected', async (_what, request, host) => {
    const answer = await ask(request(), get('site.test'));
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(answer).toContain(`\r\n\r\n${host} is refused by the egress policy of the installation\n`);
    expect(hosts).toEqual([]);
    expect(proxy.traffic).toMatchObject({ refused: 1, refusedHosts: [host] });
  });

  test('gets no other server by what it says on a connection: that was judged for one address', async () => {
    const { socket } = open();
    socket.write(Buffer.concat([GREETING, named('site.test')]));
    for (const host of ['site.test', 'other.test', '10.0.0.1'])
      socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 0\r\n\r\n`);
    // A request inside of a request, for servers and proxies that differ about which length counts.
    const inner = 'GET http://10.0.0.1/ HTTP/1.1\r\nhost: 10.0.0.1\r\n\r\n';
    socket.write(
      `POST / HTTP/1.1\r\nhost: site.test\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    );
    await once(socket, 'close');
    expect(hosts).toEqual(['site.test', 'other.test', '10.0.0.1']);
  });

  test('is told 502 for a name that nobody knows, and for a server that is not there', async () => {
    expect(await ask(named('unknown.example'), get('unknown.example'))).toMatch(
      /^HTTP\/1\.1 502 [^]*unknown\.example cannot be reached: getaddrinfo ENOTFOUND/,
    );
    const free = await SocksProxy.listen('127.0.0.1', 0, UNGUARDED);
    const gone = connectTo(1, 1, Buffer.from([127, 0, 0, 1]));
    expect(await ask(gone, get('a'), free.port)).toMatch(/^HTTP\/1\.1 502 [^]*ECONNREFUSED/);
    await free.close();
    expect(proxy.traffic.refused).toBe(0);
  });

  test('has TLS to what it may not reach closed, and a connection that asks for nothing is not counted', async () => {
    const idle = open();
    idle.socket.write(Buffer.concat([GREETING, named('other.test')]));
    await pollUntil('the reply', { timeoutMs: 2_000, everyMs: 5 }, () =>
      idle.answered().endsWith(SUCCEEDED) ? true : undefined,
    );
    idle.socket.end();
    await once(idle.socket, 'close');
    expect(proxy.traffic.refused).toBe(0);
    expect(await ask(named('other.test'), Buffer.from('160301', 'hex'))).toBe('');
    expect(proxy.traffic.refused).toBe(1);
  });

  test('carries megabytes both ways, and closes one direction at a time', async () => {
    const echo = createTcpServer({ allowHalfOpen: true }, socket => {
      const chunks: Buffer[] = [];
      socket.on('data', chunk => chunks.push(chunk));
      socket.on('end', () => socket.end(Buffer.concat(chunks)));
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const free = await SocksProxy.listen('127.0.0.1', 0, UNGUARDED);
    const { socket, answered } = open(free.port, true);
    const sent = Buffer.alloc(8 * 2 ** 20, 'holdfast');
    socket.write(Buffer.concat([GREETING, named('127.0.0.1', portOf(echo))]));
    socket.end(sent);
    await once(socket, 'close');
    expect(Buffer.from(answered().slice(24), 'hex').equals(sent)).toBe(true);
    await free.close();
    echo.close();
  });
});

describe('what is no client of SOCKS5', () => {
  test.each([
    ['a request of a page', Buffer.from('GET / HTTP/1.1\r\n\r\n'), ''],
    ['SOCKS4', Buffer.from([4, 1, 0, 80, 127, 0, 0, 1, 0]), ''],
    ['a client with credentials only', Buffer.from([5, 1, 2]), '05ff'],
    ['a client without a method', Buffer.from([5, 0]), '05ff'],
    [
      'a wish to be connected to',
      Buffer.concat([GREETING, Buffer.from([5, 2, 0, 1, 127, 0, 0, 1, 0, 80])]),
      '050005070001000000000000',
    ],
    [
      'UDP',
      Buffer.concat([GREETING, Buffer.from([5, 3, 0, 1, 0, 0, 0, 0, 0, 0])]),
      '050005070001000000000000',
    ],
    [
      'an unknown kind of address',
      Buffer.concat([GREETING, Buffer.from([5, 1, 0, 9, 0, 80])]),
      '050005080001000000000000',
    ],
    [
      'an empty name',
      Buffer.concat([GREETING, Buffer.from([5, 1, 0, 3, 0, 0, 80])]),
      '050005080001000000000000',
    ],
    [
      'a name that is a URL',
      Buffer.concat([GREETING, Buffer.from([5, 1, 0, 3, 4]), Buffer.from('a/@b'), Buffer.from([0, 80])]),
      '050005080001000000000000',
    ],
  ])('is closed: %s', async (_what, bytes, answer) => {
    const { socket, answered } = open();
    socket.write(bytes);
    await once(socket, 'close');
    expect(answered()).toBe(answer);
    expect(hosts).toEqual([]);
  });

  test('is closed when it ends in the middle, and nothing is left of it', async () => {
    const { socket, answered } = open();
    socket.end(Buffer.concat([GREETING, Buffer.from([5, 1])]));
    await once(socket, 'close');
    expect(answered()).toBe('0500');
  });
});
