import { once } from 'node:events';
import { WebSocket } from 'ws';
import { pollUntil } from '../../../src/core/abort';
import { keeperPath } from '../../../src/core/keeper-ticket';
import { Gateway } from '../../../workers/keeper/gateway';
import { startEchoBrowser, type EchoBrowser } from '../../support/echo-browser';

const SECRET = 'a secret of the installation';

let browser: EchoBrowser;
let gateway: Gateway;
let secret: string | null;

beforeEach(async () => {
  secret = SECRET;
  browser = await startEchoBrowser();
  gateway = await Gateway.listen('127.0.0.1:0', {
    endpointOf: claimId => (claimId === 'claim-1' ? browser.endpoint : null),
    secret: () => secret,
  });
});

afterEach(async () => {
  await gateway.close();
  await browser.close();
});

function knock(path: string, headers: Record<string, string> = {}): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, { headers });
}

/** Status of a refused upgrade; 101 for one that was not. */
async function statusOf(path: string): Promise<number> {
  const socket = knock(path);
  const status = await new Promise<number>(resolve => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode ?? 0));
    // After an answer: what is left of the connection is cut below.
    socket.on('error', () => undefined);
  });
  socket.terminate();
  return status;
}

test('a ticket for a claim opens its browser', async () => {
  const socket = knock(keeperPath(SECRET, 'claim-1'));
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
  const socket = knock(keeperPath(SECRET, 'claim-1'), headers);
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

test('before a worker has brought the secret nobody comes in', async () => {
  secret = null;
  expect(await statusOf(keeperPath(SECRET, 'claim-1'))).toBe(503);
});

test('a browser that is gone answers 502', async () => {
  await browser.close();
  expect(await statusOf(keeperPath(SECRET, 'claim-1'))).toBe(502);
});

test('plain requests are told to upgrade', async () => {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/json/version`);
  expect(response.status).toBe(426);
});

test('closing the gateway cuts its connections', async () => {
  const socket = knock(keeperPath(SECRET, 'claim-1'));
  await once(socket, 'open');
  await Promise.all([once(socket, 'close'), gateway.close()]);
  expect(gateway.connections).toBe(0);
});
