import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Endpoint } from '../../../machines/session/session.types';
import { sendSignal, systemProcesses } from '../../../src/core/process-identity';
import { PLAIN_LAUNCH, type LaunchOptions } from '../../../workers/keeper/door/protocol';
import type { RunDirectory } from '../../../workers/keeper/process/run-directory';
import { fence } from '../../support/keeper-fixture';
import { pollUntil } from '../../support/poll-until';
import { listProcesses } from '../../support/proc';
import { RawCdp } from '../../support/raw-cdp';
import { startHttpProxy, startSocksProxy, type UpstreamProxyServer } from '../../support/upstream-proxy';
import { untilGone, WarmFixture } from '../../support/warm-fixture';

const ANN = { username: 'ann', password: 'a-secret-of-ann' };
const BEN = { username: 'ben', password: 'a-secret-of-ben' };

let warm: WarmFixture;
let origin: Server;
let originPort: number;
let anns: UpstreamProxyServer;
let bens: UpstreamProxyServer;

beforeEach(async () => {
  origin = createServer((_request, response) => response.end('it is here')).listen(0, '127.0.0.1');
  [anns, bens] = await Promise.all([startHttpProxy(ANN), startSocksProxy(BEN), once(origin, 'listening')]);
  // SAFETY: a listening TCP server has an AddressInfo.
  originPort = (origin.address() as AddressInfo).port;
  warm = await WarmFixture.open({ slots: 4 });
  await learn();
});

afterEach(async () => {
  await warm.close();
  await Promise.all([anns.close(), bens.close()]);
  origin.closeAllConnections();
  origin.close();
});

const behind = ({ url: server }: UpstreamProxyServer, known: typeof ANN): LaunchOptions => ({
  ...PLAIN_LAUNCH,
  proxy: { server, ...known },
});

/** The pool learns that there are sessions with proxies, from one whose proxy is not there. */
async function learn(): Promise<void> {
  const proxy = { server: 'http://127.0.0.1:9', username: null, password: null };
  const { isWarm } = await warm.worker.launchWarm('t/first', fence(), { ...PLAIN_LAUNCH, proxy });
  expect(isWarm).toBe(false);
}

/** Waits for a browser that waits for its proxy. */
async function untilReady(not?: RunDirectory): Promise<RunDirectory> {
  return pollUntil('a proxied warm browser', { timeoutMs: 30_000, everyMs: 20 }, async () => {
    const directory = await warm.untilReady();
    const isOther = directory.name !== not?.name;
    return isOther && (await forwardProxies(directory)).length === 1 ? directory : undefined;
  });
}

async function forwardProxies({ path }: RunDirectory): Promise<number[]> {
  const all = await systemProcesses.list();
  const argument = `--forward-proxy-of=${path}/`;
  return all.filter(({ commandLine }) => commandLine.includes(argument)).map(({ pid }) => pid);
}

async function forwardProxyOf(directory: RunDirectory): Promise<number> {
  const [pid, ...others] = await forwardProxies(directory);
  expect(others).toEqual([]);
  return pid ?? -1;
}

const TEXT = `new Promise(resolve => {
  if (document.readyState === 'complete') resolve();
  else addEventListener('load', resolve);
}).then(() => document.body.innerText)`;

/** The text of a page that only the proxy of the session finds. */
async function read({ port, path }: Endpoint, host: string): Promise<string> {
  const cdp = await RawCdp.connect(`ws://127.0.0.1:${port}${path}`);
  try {
    // A browser that is not warm has none yet.
    const { targetId } = await cdp.call<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
    const { sessionId: page } = await cdp.call<{ sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    });
    await cdp.call('Page.navigate', { url: `http://${host}:${originPort}/` }, page);
    const text = { expression: TEXT, awaitPromise: true, returnByValue: true };
    const { result } = await cdp.call<{ result: { value: string } }>('Runtime.evaluate', text, page);
    return result.value.trim();
  } finally {
    cdp.socket.terminate();
  }
}

const carries = ({ carried }: UpstreamProxyServer, host: string): boolean =>
  carried.some(line => line.includes(`${host}:${originPort}`));

/** Waits until another forward proxy carries the traffic of the session through its own upstream. */
async function untilReplaced(directory: RunDirectory, endpoint: Endpoint, before: number): Promise<void> {
  await pollUntil('another forward proxy', { timeoutMs: 20_000, everyMs: 20 }, async () => {
    const [now] = await forwardProxies(directory);
    return now !== undefined && now !== before ? true : undefined;
  });
  await pollUntil('the page again', { timeoutMs: 20_000, everyMs: 50 }, async () =>
    (await read(endpoint, 'again.test')) === 'it is here' ? true : undefined,
  );
  expect(carries(bens, 'again.test')).toBe(true);
  expect(carries(anns, 'again.test')).toBe(false);
}

/** Who on the machine can read the password from files, arguments or environments of browsers. */
async function placesOf(password: string): Promise<string[]> {
  const found: string[] = [];
  const look = async (path: string): Promise<void> => {
    const content = await readFile(path, 'latin1').catch(() => '');
    if (content.includes(password)) found.push(path);
  };
  for (const { pid, commandLine } of await listProcesses()) {
    if (!commandLine.includes(`${warm.runRoot}/`)) continue;
    await look(`/proc/${pid}/cmdline`);
    await look(`/proc/${pid}/environ`);
  }
  for (const entry of await readdir(warm.runRoot, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await look(join(entry.parentPath, entry.name));
  return found;
}

test('sessions with a proxy get browsers that were started ahead, each behind its own proxy', async () => {
  const first = await untilReady();
  const annsClaim = fence();
  const ann = await warm.worker.launchWarm('t/ann', annsClaim, behind(anns, ANN));
  expect(ann.isWarm).toBe(true);
  expect(await read(ann.endpoint, 'for-ann.test')).toBe('it is here');

  const second = await untilReady(first);
  expect([bens.connections(), await placesOf(ANN.password)]).toEqual([
    0,
    [join(warm.runRoot, 'records', `${first.name}.json`)],
  ]);
  const ben = await warm.worker.launchWarm('t/ben', fence(), behind(bens, BEN));
  expect(ben.isWarm).toBe(true);
  expect(await read(ben.endpoint, 'for-ben.test')).toBe('it is here');
  expect(await read(ann.endpoint, 'for-ann-again.test')).toBe('it is here');
  const hosts = ['for-ann.test', 'for-ben.test', 'for-ann-again.test'];
  expect(hosts.map(host => carries(anns, host))).toEqual([true, false, true]);
  expect(hosts.map(host => carries(bens, host))).toEqual([false, true, false]);

  await warm.worker.close('t/ann', annsClaim);
  await untilGone(first);
  expect(await placesOf(ANN.password)).toEqual([]);
  expect(second.name).not.toBe(first.name);
});

test('a browser whose forward proxy has died before its session is never handed over', async () => {
  const first = await untilReady();
  sendSignal(await forwardProxyOf(first), 'SIGKILL');
  // At once, so that the keeper may notice the death before, during or after the order.
  const { isWarm } = await warm.worker.launchWarm('t/ben', fence(), behind(bens, BEN));
  expect(isWarm).toBe(false);
  await untilGone(first);
  expect(warm.counts.ended.died).toBe(1);
});

test('a browser whose forward proxy does not answer is removed, and the session gets a new one', async () => {
  const first = await untilReady();
  sendSignal(await forwardProxyOf(first), 'SIGSTOP');
  const { isWarm, endpoint } = await warm.worker.launchWarm('t/ben', fence(), behind(bens, BEN));
  expect(isWarm).toBe(false);
  expect(await read(endpoint, 'cold.test')).toBe('it is here');
  expect(carries(bens, 'cold.test')).toBe(true);
  await untilGone(first);
});

test('after the hand-over a forward proxy is replaced by one with the same upstream, by any keeper', async () => {
  const directory = await untilReady();
  const { isWarm, endpoint } = await warm.worker.launchWarm('t/ben', fence(), behind(bens, BEN));
  expect(isWarm).toBe(true);
  const killed = await forwardProxyOf(directory);
  sendSignal(killed, 'SIGKILL');
  await untilReplaced(directory, endpoint, killed);

  await warm.keeper.stopKeeper();
  await warm.keeper.startKeeper();
  await warm.worker.registration(1);
  const stopped = await forwardProxyOf(directory);
  sendSignal(stopped, 'SIGSTOP');
  await untilReplaced(directory, endpoint, stopped);
});
