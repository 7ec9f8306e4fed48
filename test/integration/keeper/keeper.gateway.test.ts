import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { systemClock } from '../../../src/core/clock';
import { keeperFilesPath, keeperPath } from '../../../src/core/keeper-ticket';
import { createLogger } from '../../../src/core/logger';
import { joinStreams } from '../../../workers/keeper/companions/join-streams';
import { BrowserDownloads } from '../../../workers/keeper/downloads/browser-downloads';
import { KeeperGateway, type ReachableBrowser } from '../../../workers/keeper/door/gateway';
import { startEchoBrowser, type EchoBrowser } from '../../support/echo-browser';
import { makeTempDir, type TempDir } from '../../support/temp-dir';
import { uploadsIn } from '../../support/uploads';
import { pollUntil } from '../../support/poll-until';

const SECRET = 'a secret of the installation';

let browser: EchoBrowser;
let gateway: KeeperGateway;
let secret: string | null;
let dir: TempDir;
let devToolsSocket: string | null;

beforeEach(async () => {
  dir = await makeTempDir();
  secret = SECRET;
  devToolsSocket = null;
  browser = await startEchoBrowser();
  gateway = await KeeperGateway.listen('127.0.0.1:0', {
    browserOf: claimId => (claimId === 'claim-1' ? reachable(process.getuid?.() ?? 0) : null),
    secret: () => secret,
    clock: systemClock,
    silence: { appliesTo: 'blocked', limitMs: () => 1_500 },
    log: createLogger('gateway', 'silent'),
  });
});

afterEach(async () => {
  await gateway.close();
  await browser.close();
  await dir.remove();
});

const reachable = (uid: number): ReachableBrowser => ({
  directory: { root: dir.path, name: 'b-000000' },
  devTools: { ...browser.endpoint, socket: devToolsSocket },
  downloads: new BrowserDownloads({ path: dir.path, uid, log: createLogger('keeper', 'silent') }),
  cuts: [],
  uploads: uploadsIn(dir.path),
  sleeper: null,
});

function tryUpgrade(path: string, headers: Record<string, string> = {}): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, { headers });
}

/** Status of a refused upgrade; 101 for one that was not. */
async function statusOf(path: string): Promise<number> {
  const socket = tryUpgrade(path);
  const status = await new Promise<number>(resolve => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode ?? 0));
    // This can only come after an answer: the rest of the connection is cut below.
    socket.on('error', () => undefined);
  });
  socket.terminate();
  return status;
}

test('a ticket for a claim opens its browser', async () => {
  const socket = tryUpgrade(keeperPath(SECRET, 'claim-1'));
  await once(socket, 'open');
  expect(gateway.connections).toBe(1);
  socket.send('hello');
  expect(String((await once(socket, 'message'))[0])).toBe('hello');
  expect(browser.upgrades[0]?.path).toBe(browser.endpoint.path);
  socket.close();
  await once(socket, 'close');
  await pollUntil('the connection to be counted out', { timeoutMs: 2_000, everyMs: 5 }, () =>
    gateway.connections === 0 ? true : undefined,
  );
});

test('only the handshake itself is passed on', async () => {
  const headers = { origin: 'http://evil.test', cookie: 'a=b', authorization: 'Bearer x' };
  const socket = tryUpgrade(keeperPath(SECRET, 'claim-1'), headers);
  await once(socket, 'open');
  expect(Object.keys(browser.upgrades[0]?.headers ?? {}).sort()).toEqual(
    ['connection', 'host', 'sec-websocket-key', 'sec-websocket-version', 'upgrade'].sort(),
  );
  expect(browser.upgrades[0]?.headers['host']).toBe(`127.0.0.1:${browser.endpoint.port}`);
  expect(socket.extensions).toBe('');
  socket.terminate();
});

test.each([
  ['without a ticket', () => '/browser/claim-1', 404],
  ['with a ticket of another installation', () => keeperPath('another secret', 'claim-1'), 403],
  ['with a ticket for another claim', () => keeperPath(SECRET, 'claim-2').replace('claim-2', 'claim-1'), 403],
  ['to a claim that runs nothing', () => keeperPath(SECRET, 'claim-2'), 404],
  ['to a path that is no URL', () => '//', 404],
])('an upgrade %s is refused', async (_what, path, status) => {
  expect(await statusOf(path())).toBe(status);
  expect(browser.upgrades).toEqual([]);
});

test('no client is let in before a worker has brought the secret', async () => {
  secret = null;
  expect(await statusOf(keeperPath(SECRET, 'claim-1'))).toBe(503);
});

test('a browser that is gone answers 502', async () => {
  await browser.close();
  expect(await statusOf(keeperPath(SECRET, 'claim-1'))).toBe(502);
});

test('plain requests get an answer that asks for an upgrade', async () => {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/json/version`);
  expect(response.status).toBe(426);
});

test('an API that reads nothing of what the browser sends is cut', async () => {
  const socket = tryUpgrade(keeperPath(SECRET, 'claim-1'));
  await once(socket, 'open');
  socket.pause();
  // The browser of this test echoes what it gets: far more than the buffers on the way hold.
  for (let n = 0; n < 32; n += 1) socket.send(Buffer.alloc(1_048_576));
  await pollUntil('the cut', { timeoutMs: 15_000, everyMs: 10 }, () =>
    gateway.connections === 0 ? true : undefined,
  );
  socket.terminate();
});

test('an API that reads slowly is not cut', async () => {
  const socket = tryUpgrade(keeperPath(SECRET, 'claim-1'));
  await once(socket, 'open');
  const total = 24;
  let received = 0;
  socket.on('message', () => {
    received += 1;
    socket.pause();
    setTimeout(() => socket.resume(), 100);
  });
  for (let n = 0; n < total; n += 1) socket.send(Buffer.alloc(1_048_576));
  await pollUntil('all of it', { timeoutMs: 15_000, everyMs: 10 }, () =>
    received === total ? true : undefined,
  );
  socket.terminate();
});

test('closing the gateway cuts its connections', async () => {
  const socket = tryUpgrade(keeperPath(SECRET, 'claim-1'));
  await once(socket, 'open');
  await Promise.all([once(socket, 'close'), gateway.close()]);
  expect(gateway.connections).toBe(0);
});

describe('the other endpoints of DevTools', () => {
  const of = (part: string): string => keeperPath(SECRET, 'claim-1', part);
  const fetched = async (part: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${gateway.port}${of(part)}`);
    return [response.status, await response.text()];
  };

  it('open with the same ticket: the WebSocket of a page, and the HTTP endpoints', async () => {
    const socket = tryUpgrade(of('/devtools/page/PAGE1'));
    await once(socket, 'open');
    socket.terminate();
    expect(browser.upgrades.at(-1)?.path).toBe('/devtools/page/PAGE1');
    expect(await fetched('/json/version')).toEqual([200, expect.stringContaining('Echo/1.0')]);
    expect(await fetched('/json/list')).toEqual([200, expect.stringContaining('PAGE1')]);
  });

  it.each(['/json/new', '/json/close/PAGE1', '/devtools/browser/x', '/json/version/../close/PAGE1'])(
    'do not open: %s',
    async part => {
      expect((await fetched(part))[0]).toBe(426);
      expect(await statusOf(of(part))).toBe(404);
    },
  );
});

describe('a browser in a network of its own', () => {
  let relay: Server;
  beforeEach(async () => {
    devToolsSocket = join(dir.path, 'devtools.sock');
    relay = createServer(socket => joinStreams(socket, connect(browser.endpoint.port, '127.0.0.1')));
    relay.listen(devToolsSocket);
    await once(relay, 'listening');
  });
  afterEach(() => void relay.close());

  it('is reached over its socket, in all its parts', async () => {
    const socket = tryUpgrade(keeperPath(SECRET, 'claim-1'));
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('hello');
    socket.terminate();
    const path = keeperPath(SECRET, 'claim-1', '/json/version');
    const answer = await fetch(`http://127.0.0.1:${gateway.port}${path}`);
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('Echo/1.0')]);
  });

  it('is not looked for on the loopback of the machine', async () => {
    relay.close();
    await once(relay, 'close');
    expect(await statusOf(keeperPath(SECRET, 'claim-1'))).toBe(502);
  });
});

describe('downloads', () => {
  const get = async (name: string | null, claimId = 'claim-1', key = SECRET): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port}${keeperFilesPath(key, claimId, 'downloads', name)}`);

  test('are listed and sent to a client with the ticket', async () => {
    const content = 'x'.repeat(300_000);
    await writeFile(join(dir.path, 'a b+ü%.txt'), content);
    await writeFile(join(dir.path, 'empty'), '');
    expect(await (await get(null)).json()).toMatchObject({
      downloads: [{ name: 'a b+ü%.txt', size: 300_000, isComplete: true }, { name: 'empty' }],
    });
    expect(await (await get('a b+ü%.txt')).text()).toBe(content);
    const empty = await get('empty');
    expect([empty.status, empty.headers.get('content-length'), await empty.text()]).toEqual([200, '0', '']);
  });

  test('are refused to a client without it', async () => {
    expect((await get('a', 'claim-1', 'another secret')).status).toBe(403);
    expect((await get(null, 'claim-2')).status).toBe(410);
    expect((await get('not there')).status).toBe(404);
    secret = null;
    expect((await get(null)).status).toBe(503);
    const path = keeperFilesPath(SECRET, 'claim-1', 'downloads', null);
    secret = SECRET;
    expect(await statusOf(path)).toBe(404);
    const post = await fetch(`http://127.0.0.1:${gateway.port}${path}`, { method: 'POST' });
    expect(post.status).toBe(426);
  });
});

test('on this machine a socket that only the service’s user can open is enough', async () => {
  const socketPath = join(dir.path, 'gateway.sock');
  const neighbours = await KeeperGateway.listenOn(socketPath, {
    browserOf: () => reachable(0),
    secret: () => SECRET,
    clock: systemClock,
    log: createLogger('gateway', 'silent'),
  });
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  const request = httpGet({
    socketPath,
    path: keeperFilesPath(SECRET, 'claim-1', 'downloads', null),
    agent: false,
  });
  // SAFETY: what `response` comes with.
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  expect([answer.statusCode, await text(answer)]).toEqual([200, '{"downloads":[],"cut":[]}']);
  await neighbours.close();
});
