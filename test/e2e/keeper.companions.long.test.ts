import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import { WebSocketServer } from 'ws';
import type { Endpoint } from '../../machines/session/session.types';
import { sendSignal, systemProcesses } from '../../src/core/process-identity';
import { PLAIN_LAUNCH, type LaunchOptions } from '../../workers/keeper/door/protocol';
import { browserUser } from '../../workers/keeper/process/run-root';
import {
  FORWARD_PROXY_ARGS,
  fence,
  KeeperFixture,
  realChromium,
  type TestWorker,
} from '../support/keeper-fixture';
import { startHttpProxy, startSocksProxy, type UpstreamProxyServer } from '../support/upstream-proxy';
import { scaled, watchSlowdown } from '../support/slowdown';
import { pollUntil } from '../support/poll-until';

const KNOWN = { username: 'ann', password: 'a-secret-of-the-test' };
const LAUNCH_TIMEOUT_MS = 20_000;

/** See hang-on-signal.cjs. */
const HANGS_ON = 'SIGUSR2';

let fixture: KeeperFixture;
let worker: TestWorker;
let origin: Server;
let originPort: number;
/** How many requests came to the origin. */
let visitors: number;

beforeEach(async () => {
  const hanging = ['-r', require.resolve('../support/hang-on-signal.cjs')];
  const { http, socks5 } = FORWARD_PROXY_ARGS;
  const forwardProxyArgs = { http: [...hanging, ...http], socks5: [...hanging, ...socks5] };
  fixture = await KeeperFixture.open({ browser: await realChromium(), forwardProxyArgs });
  worker = await fixture.worker();
  visitors = 0;
  origin = createServer((_request, response) => {
    visitors += 1;
    response.setHeader('content-type', 'text/html').end('<title>origin</title>it is here');
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  // SAFETY: a listening TCP server has an AddressInfo.
  originPort = (origin.address() as AddressInfo).port;
});

afterEach(async () => {
  await fixture.close();
  origin.closeAllConnections();
  origin.close();
});

async function launch(options: Partial<LaunchOptions>, claim = fence()): Promise<Endpoint> {
  return worker.launch('t/a', claim, LAUNCH_TIMEOUT_MS, { ...PLAIN_LAUNCH, ...options });
}

async function withPage<T>({ port, path }: Endpoint, use: (page: Page) => Promise<T>): Promise<T> {
  const endpoint = { browserWSEndpoint: `ws://127.0.0.1:${port}${path}`, defaultViewport: null };
  const browser: Browser = await puppeteer.connect(endpoint);
  try {
    return await use(await browser.newPage());
  } finally {
    await browser.disconnect();
  }
}

/** Whom the only browser runs as. */
async function uidOfBrowser(): Promise<number> {
  const root = join(fixture.dir.path, 'run');
  const [name = ''] = (await readdir(root)).filter(entry => entry.startsWith('b-'));
  return (await stat(join(root, name, 'profile'))).uid;
}

/** The text of the page at an address, or the error if it does not load. */
async function read(endpoint: Endpoint, url: string): Promise<string> {
  return withPage(endpoint, async page => {
    const answer = await page.goto(url).catch((error: unknown) => String(error));
    if (answer === null || typeof answer === 'string') return answer ?? 'nothing';
    return `${answer.status()} ${String(await page.evaluate('document.body.innerText'))}`;
  });
}

/** The processes that name a run directory of this test in an argument like this one. */
async function companions(argument: '--forward-proxy-of' | '--display-of'): Promise<number[]> {
  const all = await systemProcesses.list();
  const marker = `${argument}=${fixture.dir.path}/run/b-`;
  return all.filter(({ commandLine }) => commandLine.includes(marker)).map(({ pid }) => pid);
}

async function onlyCompanion(argument: '--forward-proxy-of' | '--display-of'): Promise<number> {
  const pids = await companions(argument);
  expect(pids).toHaveLength(1);
  return pids[0] ?? -1;
}

async function expectNothingLeft(): Promise<void> {
  const all = await systemProcesses.list();
  expect(all.filter(({ commandLine }) => commandLine.includes(`${fixture.dir.path}/run/b-`))).toEqual([]);
  const left = await readdir(join(fixture.dir.path, 'run'));
  expect(left.filter(name => name.startsWith('b-'))).toEqual([]);
}

/** Loads until the proxy is there again; answers how long that took, in milliseconds. */
async function untilLoads(endpoint: Endpoint, url: string, timeoutMs = 5_000): Promise<number> {
  const fromMs = performance.now();
  await pollUntil('the page to load again', { timeoutMs, everyMs: 20 }, async () =>
    (await read(endpoint, url)).startsWith('200') ? true : undefined,
  );
  return performance.now() - fromMs;
}

describe.each([
  ['an HTTP proxy', startHttpProxy],
  ['a SOCKS5 proxy', startSocksProxy],
] as const)('a browser behind %s with credentials', (_name, start) => {
  let upstream: UpstreamProxyServer;

  beforeEach(async () => {
    upstream = await start(KNOWN);
  });
  afterEach(() => upstream.close());

  const proxied = (password = KNOWN.password): Partial<LaunchOptions> => ({
    proxy: { server: upstream.url, username: KNOWN.username, password },
  });

  test('loads pages through it, loopback included, and ends with its process', async () => {
    const claim = fence();
    const endpoint = await launch(proxied(), claim);
    expect(await read(endpoint, `http://a.name.test:${originPort}/`)).toBe('200 it is here');
    expect(await read(endpoint, `http://127.0.0.1:${originPort}/`)).toBe('200 it is here');
    // The origin has no TLS. It is enough that only the proxy was asked for a tunnel.
    await read(endpoint, `https://secure.test:${originPort}/`);
    expect(upstream.carried.join()).toContain(`CONNECT secure.test:${originPort}`);
    expect(upstream.carried.length).toBeGreaterThanOrEqual(3);
    expect(await worker.close('t/a', claim)).toBe(true);
    await expectNothingLeft();
  });

  test('shows an error when the credentials are wrong, and never bypasses the proxy', async () => {
    const endpoint = await launch(proxied('wrong'));
    const answer = await read(endpoint, `http://127.0.0.1:${originPort}/`);
    expect(answer.trim()).toBe('502 the upstream proxy refused the credentials');
    expect(await read(endpoint, `https://127.0.0.1:${originPort}/`)).toContain(
      'ERR_TUNNEL_CONNECTION_FAILED',
    );
    expect([visitors, upstream.carried]).toEqual([0, []]);
    expect(upstream.refused()).toBeGreaterThan(1);
  });
});

describe('the forward proxy of a browser', () => {
  let upstream: UpstreamProxyServer;
  let endpoint: Endpoint;
  let url: string;

  beforeEach(async () => {
    upstream = await startHttpProxy(KNOWN);
    endpoint = await launch({ proxy: { server: upstream.url, ...KNOWN } });
    url = `http://some.test:${originPort}/`;
  });
  afterEach(() => upstream.close());

  test('is started again within a second when it is killed, and no request bypasses it meanwhile', async () => {
    expect(await read(endpoint, url)).toBe('200 it is here');
    const first = await onlyCompanion('--forward-proxy-of');
    const slowdown = watchSlowdown();
    sendSignal(first, 'SIGKILL');
    expect(await untilLoads(endpoint, url)).toBeLessThan(1_000 * slowdown());
    expect(await onlyCompanion('--forward-proxy-of')).not.toBe(first);
    expect(visitors).toBe(upstream.carried.filter(line => line.includes('some.test')).length);
  });

  test('is replaced within five seconds when it is stopped, and no request bypasses it meanwhile', async () => {
    const first = await onlyCompanion('--forward-proxy-of');
    const slowdown = watchSlowdown();
    const beganMs = performance.now();
    sendSignal(first, 'SIGSTOP');
    await pollUntil('it to be killed', { timeoutMs: 8_000, everyMs: 20 }, async () =>
      (await systemProcesses.identify(first)) === null ? true : undefined,
    );
    await untilLoads(endpoint, url);
    expect(performance.now() - beganMs).toBeLessThan(5_000 * slowdown());
    expect(visitors).toBeGreaterThan(0);
    expect(visitors).toBeLessThanOrEqual(upstream.carried.filter(line => line.includes('some.test')).length);
  });

  test('is replaced within five seconds when it hangs, also under a keeper that has not started it', async () => {
    await fixture.stopKeeper();
    await fixture.startKeeper();
    await worker.registration(1);
    const first = await onlyCompanion('--forward-proxy-of');
    const slowdown = watchSlowdown();
    const beganMs = performance.now();
    sendSignal(first, HANGS_ON);
    await untilLoads(endpoint, url, 10_000);
    expect(performance.now() - beganMs).toBeLessThan(5_000 * slowdown());
    expect(await onlyCompanion('--forward-proxy-of')).not.toBe(first);
    expect(visitors).toBeLessThanOrEqual(upstream.carried.filter(line => line.includes('some.test')).length);
  });

  test('outlives its keeper, and the next keeper starts it again', async () => {
    const first = await onlyCompanion('--forward-proxy-of');
    await fixture.stopKeeper();
    expect(await read(endpoint, url)).toBe('200 it is here');
    await fixture.startKeeper();
    await worker.registration(1);
    expect(await onlyCompanion('--forward-proxy-of')).toBe(first);
    sendSignal(first, 'SIGKILL');
    expect(await untilLoads(endpoint, url)).toBeLessThan(scaled(1_500));
  });

  test('is there again when it died while there was no keeper', async () => {
    await fixture.stopKeeper();
    sendSignal(await onlyCompanion('--forward-proxy-of'), 'SIGKILL');
    await fixture.startKeeper();
    await worker.registration(1);
    expect(await untilLoads(endpoint, url)).toBeLessThan(scaled(2_000));
  });

  test('ends when the browser ends by itself', async () => {
    await withPage(endpoint, async page => page.browser().close());
    expect((await worker.untilGone('t/a')).gone?.cause).toBe('client_closed_browser');
    await worker.untilIdle();
    await expectNothingLeft();
  });

  test('does not reveal the password to other processes', async () => {
    const pid = await onlyCompanion('--forward-proxy-of');
    // The browser's user may neither read its memory nor trace it: both are the keeper's.
    expect((await stat(`/proc/${pid}/mem`)).uid).toBe(process.getuid?.());
    // It is not held by what holds the browser's user (ADR 73).
    const { uid: proxyUid } = browserUser();
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(new RegExp(`^Uid:\\s+${proxyUid}\\s`, 'm'));
    if (process.getuid?.() === 0) expect(await uidOfBrowser()).not.toBe(proxyUid);
    const mine = (await systemProcesses.list()).filter(({ commandLine }) =>
      commandLine.includes(fixture.dir.path),
    );
    for (const process of mine) {
      const environment = await readFile(`/proc/${process.pid}/environ`, 'utf8').catch(() => '');
      expect(process.commandLine + environment).not.toContain(KNOWN.password);
    }
    const root = join(fixture.dir.path, 'run');
    const holders: string[] = [];
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const content = await readFile(path, 'latin1').catch(() => ''); // one that Chromium has removed meanwhile
      if (content.includes(KNOWN.password)) holders.push(path);
    }
    expect(holders).toHaveLength(1);
    const { uid, mode } = await stat(holders[0] ?? '');
    expect([uid, mode & 0o777]).toEqual([process.getuid?.(), 0o600]);
  });
});

test.each([
  ['ends before it listens', 'process.exit(3)', /the forward proxy exited with 3/],
  ['says why it does not', `console.log('{"error":"no port"}')`, /the forward proxy does not start: no port/],
])('a launch whose forward proxy %s fails with that, and leaves nothing', async (_what, program, message) => {
  await fixture.stopKeeper();
  const args = ['-e', program, '--'];
  const forwardProxyArgs = { http: args, socks5: args };
  await fixture.startKeeper({ ...fixture.settings, forwardProxyArgs });
  await worker.registration(1);
  await expect(launch({ egress: { allow: null, deny: [] } })).rejects.toMatchObject({
    code: 'launch_failed',
    message: expect.stringMatching(message),
  });
  await expectNothingLeft();
});

test('a proxy without credentials is used like one with them', async () => {
  const upstream = await startHttpProxy(KNOWN);
  try {
    const endpoint = await launch({ proxy: { server: upstream.url, username: null, password: null } });
    await onlyCompanion('--forward-proxy-of');
    const answer = await read(endpoint, `http://127.0.0.1:${originPort}/`);
    expect(answer.trim()).toBe('502 the upstream proxy refused the credentials');
    expect([visitors, upstream.refused() > 0]).toEqual([0, true]);
  } finally {
    await upstream.close();
  }
});

/** A stand-in for a STUN server: a UDP port that counts packets. */
async function startStun(): Promise<{ port: number; packets: () => number; close: () => void }> {
  const socket = createSocket('udp4');
  let packets = 0;
  socket.on('message', () => (packets += 1));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, packets: () => packets, close: () => socket.close() };
}

test('WebRTC of a proxied browser sends nothing past the proxy', async () => {
  const upstream = await startHttpProxy(KNOWN);
  const [open, hidden] = [await startStun(), await startStun()];
  /** Lets a page gather ICE candidates through a STUN server; resolves when it has all of them. */
  const gather = (page: Page, port: number): Promise<unknown> =>
    page.evaluate(`new Promise(resolve => {
      window.peer = new RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:${port}' }] });
      peer.createDataChannel('x');
      peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve(true);
      peer.createOffer().then(offer => peer.setLocalDescription(offer));
    })`);
  try {
    const direct = await launch({});
    await withPage(direct, async page => {
      await page.goto(`http://localhost:${originPort}/`);
      const gathering = gather(page, open.port).catch(() => undefined); // cut off below, because it gets no answer
      await pollUntil('a packet', { timeoutMs: 10_000, everyMs: 20 }, () => open.packets() > 0 || undefined);
      await page.close();
      await gathering;
    });
    const proxied = await launch({ proxy: { server: upstream.url, ...KNOWN } }, fence(2));
    await withPage(proxied, async page => {
      await page.goto(`http://localhost:${originPort}/`);
      await gather(page, hidden.port);
    });
    expect(hidden.packets()).toBe(0);
  } finally {
    open.close();
    hidden.close();
    await upstream.close();
  }
});

test('WebSockets of pages go through the proxy', async () => {
  const upstream = await startHttpProxy(KNOWN);
  const echo = new WebSocketServer({ server: origin });
  echo.on('connection', socket => socket.on('message', (data: Buffer) => socket.send(data.toString())));
  try {
    const endpoint = await launch({ proxy: { server: upstream.url, ...KNOWN } });
    const answer = await withPage(endpoint, async page =>
      page.evaluate(`new Promise((resolve, reject) => {
        const socket = new WebSocket('ws://sockets.test:${originPort}/');
        socket.onopen = () => socket.send('hello');
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = () => reject(new Error('closed'));
      })`),
    );
    expect(answer).toBe('hello');
    expect(upstream.carried).toContain(`CONNECT sockets.test:${originPort}`);
  } finally {
    echo.close();
    await upstream.close();
  }
});

describe('a browser with windows', () => {
  test('has a display of its own, which ends with it', async () => {
    const claim = fence();
    const endpoint = await launch({ headless: false, dimensions: { width: 1024, height: 600 } }, claim);
    const pid = await onlyCompanion('--display-of');
    expect((await stat(`/proc/${pid}`)).uid).toBe(await uidOfBrowser());
    const [visible, userAgent, size] = await withPage(endpoint, async page => {
      await page.bringToFront();
      return Promise.all(
        ['document.visibilityState', 'navigator.userAgent', '[innerWidth, innerHeight]'].map(
          async expression => page.evaluate(expression),
        ),
      );
    });
    expect(visible).toBe('visible');
    expect(userAgent).not.toContain('Headless');
    expect(size).toEqual([1024, 600]);
    expect(await worker.close('t/a', claim)).toBe(true);
    await expectNothingLeft();
  });

  test('has as many device pixels as were asked for', async () => {
    const dimensions = { width: 600, height: 400 };
    const endpoint = await launch({ headless: false, dimensions, deviceScaleFactor: 2 });
    const size = '[innerWidth, innerHeight, devicePixelRatio]';
    expect(await withPage(endpoint, async page => page.evaluate(size))).toEqual([600, 400, 2]);
  });

  test('has pages as large as those without windows when nothing was asked for', async () => {
    const endpoint = await launch({ headless: false });
    const size = '[innerWidth, innerHeight, devicePixelRatio]';
    expect(await withPage(endpoint, async page => page.evaluate(size))).toEqual([1280, 720, 1]);
  });

  test('ends when its display dies', async () => {
    await launch({ headless: false });
    sendSignal(await onlyCompanion('--display-of'), 'SIGKILL');
    expect((await worker.untilGone('t/a')).gone?.cause).toBe('browser_crashed');
    await worker.untilIdle();
    await expectNothingLeft();
  });

  test('is refused on a machine without Xvfb, with what to install', async () => {
    await fixture.stopKeeper();
    await fixture.startKeeper({ ...fixture.settings, searchPath: '/nowhere' });
    await worker.registration(1);
    await expect(launch({ headless: false })).rejects.toMatchObject({
      code: 'launch_failed',
      message: expect.stringContaining('apt-get install xvfb'),
    });
    await expectNothingLeft();
  });
});
