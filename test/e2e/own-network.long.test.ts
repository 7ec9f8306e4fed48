import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sendSignal } from '../../src/core/process-identity';
import { Canary, opens, tryEverything } from '../support/canary';
import { connectPuppeteer, withPuppeteer } from '../support/clients';
import { freePort } from '../support/free-port';
import { Installation, type SessionView } from '../support/installation';
import { startMirrorSite } from '../support/mirror-site';
import { ordinaryUser } from '../support/ordinary-user';
import { pollUntil } from '../support/poll-until';
import { listProcesses } from '../support/proc';
import { scaled } from '../support/slowdown';
import { makeTempDir } from '../support/temp-dir';
import { startHttpProxy } from '../support/upstream-proxy';
import { workerFigure } from '../support/worker-figures';

/** Creates sessions until one gets a browser that was started ahead. */
async function createWarm(
  installation: Installation,
  metricsPort: number,
  options: Record<string, unknown>,
): Promise<SessionView> {
  return pollUntil('a session with a warm browser', { timeoutMs: 60_000, everyMs: 500 }, async () => {
    const session = await installation.create(options);
    if ((await workerFigure(metricsPort, 'holdfast_browser_launches_total{start="warm"}')) > 0)
      return session;
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
    return undefined;
  });
}

/* What a browser in a network of its own does as any other, and what a hostile one does not. */

describe('an installation of an ordinary user with one tenant', () => {
  let installation: Installation;
  let site: Server;
  let siteUrl: string;
  beforeAll(async () => {
    site = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<title>the site</title>');
    });
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    // SAFETY: a listening TCP server has an AddressInfo.
    siteUrl = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
    installation = await Installation.start({
      browser: 'chromium',
      ...ordinaryUser(),
      env: { HOLDFAST_ISOLATION: 'sealed' },
    });
  });
  afterAll(async () => {
    await installation.stop();
    site.closeAllConnections();
    site.close();
  });

  /** The processes of the browser of a session, and of what stands beside it. */
  const processesOf = async (session: SessionView): Promise<{ pid: number; commandLine: string }[]> => {
    const directory = await directoryOf(session);
    return (await listProcesses()).filter(({ commandLine }) => commandLine.includes(directory));
  };

  const gone = (directory: string): Promise<true> =>
    pollUntil('everything of the browser to go', { timeoutMs: 8_000, everyMs: 50 }, async () => {
      const processes = await listProcesses();
      const name = directory.split('/').at(-1) ?? '';
      const there = await readdir(join(installation.dir.path, 'run'));
      const isLeft = processes.some(({ commandLine }) => commandLine.includes(directory));
      return isLeft || there.includes(name) ? undefined : true;
    });

  test('says what it is made of', async () => {
    const options = {
      ...ordinaryUser().user,
      cwd: '/',
      env: {
        PATH: process.env['PATH'],
        TMPDIR: join(installation.dir.path, 'tmp'),
        HOLDFAST_DATA_DIR: installation.dir.path,
      },
    };
    const words = [join(process.cwd(), 'bin/holdfast'), 'doctor'];
    const { stdout } = await promisify(execFile)(process.execPath, words, options);
    expect(stdout).toMatch(/isolation: sealed, .* reaches its DevTools \(a network of its own\)$/m);
  });

  test('lets its pages load what the machine reaches, over the forward proxy', async () => {
    const session = await installation.create();
    await withPuppeteer(session, async page => {
      expect(await opens(page, siteUrl)).toBe('200');
      expect(await opens(page, `http://127.0.0.1:${await freePort()}/`)).toBe('502');
    });
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
  });

  test('knows its sessions at its API, also when a client drops and forges headers', async () => {
    const session = await installation.create();
    await withPuppeteer(session, async page => {
      const cdp = await page.createCDPSession();
      await cdp.send('Fetch.enable', { patterns: [{ urlPattern: '*' }] });
      cdp.on('Fetch.requestPaused', ({ requestId }) => {
        const headers = [
          ...['Sec-Fetch-Mode', 'Sec-Fetch-Dest'].map(name => ({ name, value: '' })),
          ...[{ name: 'Sec-Fetch-Site', value: 'none' }],
          ...[{ name: 'User-Agent', value: 'curl/8.0' }],
        ];
        void cdp.send('Fetch.continueRequest', { requestId, headers }).catch(() => undefined);
      });
      expect(await opens(page, `${installation.url}/v1/sessions`)).toBe('403');
      expect(await page.content()).not.toContain('token=');
    });
    expect((await installation.call('GET', '/v1/sessions')).status).toBe(200);
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
  });

  test('reaches the session’s own proxy, with its password', async () => {
    const known = { username: 'ann', password: 'a-secret-of-the-test' };
    const proxy = await startHttpProxy(known);
    const session = await installation.create({ proxy: { server: proxy.url, ...known } });
    await withPuppeteer(session, async page => expect(await opens(page, siteUrl)).toBe('200'));
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
    await proxy.close();
  });

  test('shows windows on a display that is outside of the network', async () => {
    const session = await installation.create({ headless: false });
    const directory = await directoryOf(session);
    await withPuppeteer(session, async page => {
      expect(await page.evaluate('navigator.userAgent')).not.toContain('Headless');
      expect((await page.screenshot()).length).toBeGreaterThan(1_000);
    });
    const before = await processesOf(session);
    expect(before.filter(({ commandLine }) => /^\S*Xvfb /.test(commandLine))).toHaveLength(1);
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
    await gone(directory);
  });

  test('starts its forward proxy again where the browser finds it', async () => {
    const session = await installation.create();
    const isProxy = ({ commandLine }: { commandLine: string }): boolean =>
      commandLine.includes('--forward-proxy-of=');
    const [proxy] = (await processesOf(session)).filter(isProxy);
    sendSignal(proxy?.pid ?? 0, 'SIGKILL');
    await withPuppeteer(session, page =>
      pollUntil('the site to load', { timeoutMs: 10_000, everyMs: 50 }, async () =>
        (await opens(page, siteUrl)) === '200' ? true : undefined,
      ),
    );
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
  });

  const isRelay = ({ commandLine }: { commandLine: string }): boolean =>
    /--relay-of=\S+\/$/.test(commandLine);
  /**
   * Sends a signal to the relay of a session, waits for the next one, and answers after how many milliseconds it came.
   */
  const replaceRelay = async (session: SessionView, signal: NodeJS.Signals): Promise<number> => {
    const [relay] = (await processesOf(session)).filter(isRelay);
    if (relay === undefined) throw new Error('there is no relay');
    const directory = /--relay-of=(\S+)\/$/.exec(relay.commandLine)?.[1] ?? '';
    const beganMs = performance.now();
    sendSignal(relay.pid, signal);
    await pollUntil('another relay', { timeoutMs: 8_000, everyMs: 20 }, async () => {
      const named = (await listProcesses()).filter(({ commandLine }) => commandLine.includes(directory));
      const [next] = named.filter(isRelay).filter(({ pid }) => pid !== relay.pid);
      return next === undefined ? undefined : true;
    });
    return performance.now() - beganMs;
  };

  test.each([
    ['killed', 'SIGKILL', 1_000],
    ['stopped', 'SIGSTOP', 5_000],
  ] as const)(
    'has another relay soon when it is %s, and its session goes on',
    async (_how, signal, withinMs) => {
      const session = await installation.create();
      const client = await connectPuppeteer(session);
      const tookMs = await replaceRelay(session, signal);
      expect(tookMs).toBeLessThan(scaled(withinMs));
      await client.disconnect();
      await pollUntil('the browser', { timeoutMs: 5_000, everyMs: 50 }, () =>
        withPuppeteer(session, async page =>
          (await opens(page, siteUrl)) === '200' ? true : undefined,
        ).catch(() => undefined),
      );
      expect((await installation.read(session.id)).status).toBe('live');
      const directory = await directoryOf(session);
      await installation.call('DELETE', `/v1/sessions/${session.id}`);
      await gone(directory);
    },
  );

  test('fails with the reason when nothing starts its relay again', async () => {
    const session = await installation.create();
    const words = (await processesOf(session)).filter(({ commandLine }) =>
      commandLine.includes('--relay-of='),
    );
    const beganMs = performance.now();
    // First what would start it again.
    for (const { pid } of [...words].sort((a, b) => Number(isRelay(a)) - Number(isRelay(b))))
      sendSignal(pid, 'SIGKILL');
    await installation.until(session.id, ({ endReason }) => endReason === 'browser_unresponsive');
    expect(performance.now() - beganMs).toBeLessThan(scaled(6_000));
    const ended = (await installation.history(session.id)).at(-1);
    expect(JSON.stringify(ended)).toContain('browser_unresponsive');
  });

  test('leaves nothing of a browser that is killed', async () => {
    const session = await installation.create();
    const directory = await directoryOf(session);
    for (const pid of await installation.browsers()) sendSignal(pid, 'SIGKILL');
    await installation.until(session.id, ({ endReason }) => endReason === 'browser_crashed');
    await gone(directory);
  });

  test('leaves nothing of a browser that its client closes', async () => {
    const session = await installation.create();
    const directory = await directoryOf(session);
    await (await connectPuppeteer(session)).close();
    await installation.until(session.id, ({ endReason }) => endReason === 'client_closed_browser');
    await gone(directory);
  });
});

describe('a client of a browser whose rules forbid everything', () => {
  test('reaches nothing, in any way that it tries', async () => {
    const canary = await Canary.start();
    const installation = await Installation.start({
      browser: 'chromium',
      ...ordinaryUser(),
      env: { HOLDFAST_ISOLATION: 'sealed', HOLDFAST_EGRESS: 'public' },
    });
    try {
      const session = await installation.create();
      const browser = await connectPuppeteer(session);
      await tryEverything(browser, canary);
      await browser.disconnect();
      expect(canary.hits).toEqual([]);
    } finally {
      await installation.stop();
      canary.close();
    }
  });
});

describe('a program that has taken the place of a browser', () => {
  /** Says on one line what it reaches; the end of its output is in the error of the session. */
  const PROGRAM = `#!/usr/bin/env node
    const { connect } = require('node:net');
    const { existsSync, readdirSync, readFileSync } = require('node:fs');
    const { spawnSync } = require('node:child_process');
    const wishes = JSON.parse(readFileSync(__dirname + '/wishes.json', 'utf8'));
    const settled = options => new Promise(resolve => {
      const socket = connect(options).once('connect', () => resolve('connected')).once('error', e => resolve(e.code));
      socket.setTimeout(1000, () => resolve('no answer'));
    });
    const interfaces = () => { try { return Object.keys(require('node:os').networkInterfaces()); } catch { return 'refused'; } };
    (async () => {
      const profile = process.argv.find(word => word.startsWith('--user-data-dir=')).split('=')[1];
      const own = require('node:path').dirname(profile);
      const said = {
        shown: readdirSync(own),
        sockets: wishes.sockets.filter(existsSync),
        abstract: await settled({ path: '\\0' + wishes.abstract }),
        loopback: await settled({ host: '127.0.0.1', port: wishes.port }),
        interfaces: interfaces(),
        nested: spawnSync('unshare', ['-rn', process.execPath, '-p', 'try { os.networkInterfaces(), "made" } catch { "refused" }']).stdout.toString().trim(),
        relays: readdirSync('/proc').filter(pid => /^\\d+$/.test(pid) && readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('--relay-of=' + own)).length,
      };
      console.log(JSON.stringify(said));
      process.exit(1);
    })();`;

  test('finds no socket of the service or of another session, and makes none for netlink', async () => {
    const canary = await Canary.start();
    const abstract = createNetServer().listen('\0a-socket-of-the-test');
    const folder = await makeTempDir();
    await chmod(folder.path, 0o755);
    const program = join(folder.path, 'browser');
    await writeFile(program, PROGRAM, { mode: 0o755 });
    const installation = await Installation.start({
      browser: 'chromium',
      ...ordinaryUser(),
      env: { HOLDFAST_ISOLATION: 'sealed', HOLDFAST_CHROMIUM_PATH: program },
    });
    try {
      const run = join(installation.dir.path, 'run');
      const sockets = ['keeper.sock', 'gateway.sock', '../redis/redis.sock'].map(name => join(run, name));
      const wishes = { sockets, abstract: 'a-socket-of-the-test', port: canary.port };
      await writeFile(join(folder.path, 'wishes.json'), JSON.stringify(wishes), { mode: 0o644 });
      const { body } = await installation.call('POST', '/v1/sessions', {});
      const [, said = '{}'] =
        /its last output: (\{[^}]*\})/.exec(JSON.stringify(body).replaceAll('\\"', '"')) ?? [];
      expect(JSON.parse(said)).toEqual({
        shown: ['downloads', 'profile', 'tmp', 'uploads'],
        sockets: [],
        abstract: 'ECONNREFUSED',
        loopback: 'ECONNREFUSED',
        interfaces: 'refused',
        nested: 'refused',
        relays: 0,
      });
      expect(canary.hits).toEqual([]);
    } finally {
      await installation.stop();
      await folder.remove();
      abstract.close();
      canary.close();
    }
  });
});

/** The run directory of the browser of a session. */
async function directoryOf(session: SessionView): Promise<string> {
  return withPuppeteer(session, async (_page, browser) => {
    const cdp = await browser.target().createCDPSession();
    const { arguments: words } = await cdp.send('Browser.getBrowserCommandLine');
    const profile = words.find(word => word.startsWith('--user-data-dir='))?.split('=')[1] ?? '';
    return profile.replace(/\/profile$/, '');
  });
}

test('a warm browser in a network of its own reaches its session’s proxy', async () => {
  const known = { username: 'ann', password: 'a-secret-of-the-test' };
  const [metricsPort, site] = [await freePort(), await startMirrorSite()];
  const proxy = await startHttpProxy(known);
  const installation = await Installation.start({
    browser: 'chromium',
    ...ordinaryUser(),
    env: {
      ...{ HOLDFAST_ISOLATION: 'sealed', HOLDFAST_SLOTS: '2' },
      ...{ HOLDFAST_WARM_BROWSERS: '1', HOLDFAST_METRICS_PORT: String(metricsPort) },
    },
  });
  try {
    const proxied = { proxy: { server: proxy.url, ...known } };
    const session = await createWarm(installation, metricsPort, proxied);
    await withPuppeteer(session, async page => expect(await opens(page, `${site.url}/warm`)).toBe('200'));
    expect(proxy.carried).toContain(`GET ${site.url}/warm`);
    expect(installation.output).not.toContain(known.password);
  } finally {
    await installation.stop();
    await Promise.all([proxy.close(), site.close()]);
  }
});
