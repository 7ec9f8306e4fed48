import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import puppeteer, { type Browser } from 'puppeteer';
import type { Endpoint } from '../../machines/session/session.types';
import { settlesWithin } from '../../src/core/abort';
import { PLAIN_LAUNCH, type LaunchOptions } from '../../workers/keeper/door/protocol';
import { canFilter, firewallOf, nft } from '../support/firewall';
import { Canary, opens, tryEverything } from '../support/canary';
import { leaveMark, readMark } from '../support/clients';
import { Installation } from '../support/installation';
import { cheapChromium, fence, KeeperFixture, type TestWorker } from '../support/keeper-fixture';
import { startHttpProxy, type UpstreamProxyServer } from '../support/upstream-proxy';

/* What the network lets a client of one browser, and a program that runs as its user, reach. */

const describeFirewall = canFilter() ? describe : describe.skip;

const NOBODY = 65_534;
const isolation = { wanted: 'sealed', uids: null, reads: [] } as const;
const LAUNCH_TIMEOUT_MS = 20_000;

/** Otherwise Chromium itself asks before a page reaches loopback, which a client can permit. */
const ARGS = ['--disable-features=LocalNetworkAccessChecks'];

async function withBrowser<T>({ port, path }: Endpoint, use: (browser: Browser) => Promise<T>): Promise<T> {
  const browserWSEndpoint = `ws://127.0.0.1:${port}${path}`;
  const browser = await puppeteer.connect({ browserWSEndpoint, defaultViewport: null });
  try {
    return await use(browser);
  } finally {
    await browser.disconnect();
  }
}

/** Connects to a port of 127.0.0.1 as a user; answers what bash says. */
const connectsAs = (uid: number, port: number): Promise<string> =>
  saysAs(uid, `exec 3<>/dev/tcp/127.0.0.1/${port} && echo connected`);

/** Sends a datagram there. */
const sendsAs = (uid: number, port: number): Promise<string> =>
  saysAs(uid, `echo a >/dev/udp/127.0.0.1/${port} && echo sent`);

async function saysAs(uid: number, command: string): Promise<string> {
  return promisify(execFile)('/bin/bash', ['-c', command], { uid, gid: uid, cwd: '/' }).then(
    ({ stdout }) => stdout.trim(),
    // SAFETY: execFile rejects with what the command has said.
    (error: unknown) => (error as { stderr: string }).stderr.trim().split(': ').at(-1) ?? '',
  );
}

async function asRootConnects(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  const answer = await once(socket, 'connect').then(
    () => 'connected',
    (error: unknown) => String(error),
  );
  socket.destroy();
  return answer;
}

let fixture: KeeperFixture;
let worker: TestWorker;

const runRoot = (): string => join(fixture.dir.path, 'run');
const directories = async (): Promise<string[]> =>
  (await readdir(runRoot())).filter(name => name.startsWith('b-'));

interface Launched {
  readonly endpoint: Endpoint;
  readonly uid: number;
}

async function launch(ref: string, options: Partial<LaunchOptions> = {}): Promise<Launched> {
  const before = await directories();
  const endpoint = await worker.launch(ref, fence(), LAUNCH_TIMEOUT_MS, { ...PLAIN_LAUNCH, ...options });
  const own = (await directories()).find(name => !before.includes(name)) ?? '';
  return { endpoint, uid: (await stat(join(runRoot(), own, 'profile'))).uid };
}

describeFirewall('browsers on the network of the machine', () => {
  let mine: Launched;
  let theirs: Launched;
  let canary: Canary;
  beforeAll(async () => {
    fixture = await KeeperFixture.open({ browser: await cheapChromium(ARGS), isolation });
    worker = await fixture.worker();
    mine = await launch('t/mine');
    theirs = await launch('t/theirs');
    canary = await Canary.start();
  }, 60_000);
  afterAll(async () => {
    canary.close();
    await fixture.close();
    expect(await firewallOf(fixture.dir.path).catch(() => null)).toBeNull();
  });

  test('a page reaches neither the DevTools of another session nor its own', async () => {
    await withBrowser(mine.endpoint, async browser => {
      const page = await browser.newPage();
      expect(await opens(page, `http://127.0.0.1:${canary.port}/local-sites`)).toBe('200');
      for (const { port, path } of [theirs.endpoint, mine.endpoint]) {
        const hosts = ['127.0.0.1', 'localhost', '127.1', '0.0.0.0', '2130706433', '[::ffff:7f00:1]'];
        for (const host of hosts) {
          const answer = await opens(page, `http://${host}:${port}/json/version`);
          expect([host, answer]).toEqual([host, expect.stringMatching(/^net::ERR_/)]);
        }
        // The page of an error can still appear after its navigation has failed.
        const other = await browser.newPage();
        await other.goto(`http://127.0.0.1:${canary.port}/a-page`);
        const said = await other.evaluate(async (url: string) => {
          const plain = await fetch(url.replace('ws:', 'http:'), { mode: 'no-cors' }).then(
            () => 'sent',
            String,
          );
          const socket = new WebSocket(url);
          const event = await new Promise<Event>(resolve => {
            socket.onopen = socket.onerror = resolve;
          });
          return [plain, event.type];
        }, `ws://127.0.0.1:${port}${path}`);
        expect(said).toEqual(['TypeError: Failed to fetch', 'error']);
      }
    });
  });

  test('a program that runs as a user of browsers, or as any other but root, does not reach them either', async () => {
    for (const { endpoint } of [theirs, mine]) {
      for (const uid of [mine.uid, NOBODY, 1_000])
        expect([uid, await connectsAs(uid, endpoint.port)]).toEqual([uid, 'Connection refused']);
      expect(await asRootConnects(endpoint.port)).toBe('connected');
    }
    expect(await connectsAs(mine.uid, canary.port)).toBe('connected');
  });

  test('a port that a program opens as the user of a browser answers nobody, not even root', async () => {
    const program = `require('net').createServer().listen(0, '0.0.0.0', function () { console.log(this.address().port); })`;
    const listener: ChildProcess = spawn(process.execPath, ['-e', program], {
      uid: mine.uid,
      gid: mine.uid,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output = listener.stdout;
    if (output === null) throw new Error('it has no output');
    const [chunk] = (await once(output, 'data')) as [Buffer];
    const socket = connect({ port: Number(chunk.toString()), host: '127.0.0.1' });
    expect(await settlesWithin(once(socket, 'connect'), 300)).toBe(false);
    socket.destroy();
    listener.kill();
    await text(output);
  });

  // That the canary hears all of them shows that silence behind a closed firewall means something.
  test('a client reaches everything else, in every way that it tries', async () => {
    await withBrowser(mine.endpoint, browser => tryEverything(browser, canary));
    const all = ['/navigation', '/fetch', '/image', '/socket', '/events', '/beacon', 'a datagram'];
    expect([...new Set(canary.hits)]).toEqual(expect.arrayContaining(all));
  }, 120_000);

  test('the rules stay as they are when the keeper is gone, and the next one takes over', async () => {
    await fixture.stopKeeper();
    expect(await connectsAs(theirs.uid, mine.endpoint.port)).toBe('Connection refused');
    expect(await connectsAs(NOBODY, mine.endpoint.port)).toBe('Connection refused');
    await fixture.startKeeper();
    await worker.registration(1);
    expect(await connectsAs(theirs.uid, mine.endpoint.port)).toBe('Connection refused');
    expect(await asRootConnects(mine.endpoint.port)).toBe('connected');
    const table = (await firewallOf(fixture.dir.path)) ?? '';
    for (const word of [mine.uid, theirs.uid, mine.endpoint.port]) expect(table).toContain(String(word));
  });

  test('rules that another program has removed are written anew with the next launch', async () => {
    const [name = ''] = /holdfast_\w+/.exec((await firewallOf(fixture.dir.path)) ?? '') ?? [];
    nft(`delete table inet ${name}`);
    const third = await launch('t/third');
    expect(await connectsAs(NOBODY, third.endpoint.port)).toBe('Connection refused');
    expect(await connectsAs(NOBODY, mine.endpoint.port)).toBe('Connection refused');
  });

  test('nothing of a browser is left in the rules after its end', async () => {
    await fixture.app.keeper.endAll('the test says so');
    expect(await firewallOf(fixture.dir.path)).not.toMatch(/elements/);
  });
});

describeFirewall('browsers with a proxy of their own', () => {
  const known = { username: 'ann', password: 'a-secret-of-the-test' };
  let canary: Canary;
  let proxy: UpstreamProxyServer;
  beforeAll(async () => {
    canary = await Canary.start();
    proxy = await startHttpProxy(known);
    fixture = await KeeperFixture.open({ browser: await cheapChromium(ARGS), isolation });
    worker = await fixture.worker();
  });
  afterAll(async () => {
    canary.close();
    await proxy.close();
    await fixture.close();
  });

  test('reach nothing that their rules refuse, whatever their client tries', async () => {
    const { endpoint, uid } = await launch('t/closed', { egress: { allow: [], deny: [] } });
    await withBrowser(endpoint, browser => tryEverything(browser, canary));
    for (const port of [canary.port, endpoint.port])
      expect(await connectsAs(uid, port)).toBe('Connection refused');
    expect(await sendsAs(uid, canary.udpPort)).toBe('Operation not permitted');
    expect(canary.hits).toEqual([]);
  }, 120_000);

  test('reach what the proxy reaches, over it alone', async () => {
    const { endpoint } = await launch('t/proxied', { proxy: { server: proxy.url, ...known } });
    await withBrowser(endpoint, async browser => {
      const page = await browser.newPage();
      expect(await opens(page, `http://127.0.0.1:${canary.port}/over-the-proxy`)).toBe('200');
      const beside = await browser.createBrowserContext({ proxyServer: 'direct://', proxyBypassList: ['*'] });
      const other = await beside.newPage();
      expect(await opens(other, `http://127.0.0.1:${canary.port}/beside-it`)).toMatch(/^net::ERR_/);
    });
    expect(canary.hits).toContain('/over-the-proxy');
    expect(canary.hits).not.toContain('/beside-it');
  }, 60_000);
});

describeFirewall('an installation', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start({ browser: 'shell', env: { HOLDFAST_ISOLATION: 'sealed' } });
  });

  test('keeps its firewall while its keeper is killed, and adopts behind it', async () => {
    const session = await installation.create();
    await leaveMark(session, 'behind the firewall');
    const table = await firewallOf(installation.dir.path);
    const old = await installation.signal('keeper', 'SIGKILL');
    expect(await firewallOf(installation.dir.path)).toBe(table);
    await installation.replaced('keeper', old);
    expect(await readMark(session)).toBe('behind the firewall');
    expect(await firewallOf(installation.dir.path)).toBe(table);
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
  });

  test('leaves no rules when it is stopped', async () => {
    await installation.create();
    const hostId = await firewallOf(installation.dir.path);
    const [name = 'none'] = /holdfast_\w+/.exec(hostId ?? '') ?? [];
    await installation.stop();
    expect(nft('list tables')).not.toContain(name);
    expect(await readdir('/run/holdfast/firewalls')).not.toContain(name);
  });
});
