import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { Browser } from 'puppeteer';
import { Canary, opens } from '../support/canary';
import { connectPuppeteer, withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { ordinaryUser } from '../support/ordinary-user';
import { pollUntil } from '../support/poll-until';
import { listProcesses } from '../support/proc';

/* The level `sealed` for an ordinary user: each browser in a network of its own, for several tenants. */

const KEYS = { ann: 'key-of-ann', bob: 'key-of-bob' };

let installation: Installation;
let site: Server;
let siteUrl: string;
let canary: Canary;
let mine: SessionView;
let theirs: SessionView;
let browser: Browser;

const createFor = async (tenant: keyof typeof KEYS): Promise<SessionView> => {
  const headers = { authorization: `Bearer ${KEYS[tenant]}` };
  const { status, body } = await installation.call('POST', '/v1/sessions', { timeout: 600_000 }, headers);
  expect([status, body.status]).toEqual([201, 'live']);
  return body;
};

beforeAll(async () => {
  canary = await Canary.start();
  site = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<title>the site</title>');
  });
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  // SAFETY: a listening TCP server has an AddressInfo.
  const { port } = site.address() as AddressInfo;
  siteUrl = `http://127.0.0.1:${port}/`;
  installation = await Installation.start({
    browser: 'chromium',
    ...ordinaryUser(),
    env: {
      HOLDFAST_ISOLATION: 'sealed',
      HOLDFAST_API_KEYS: `ann=${KEYS.ann},bob=${KEYS.bob}`,
      HOLDFAST_EGRESS_ALLOW: `127.0.0.1:${port}`,
    },
  });
  [mine, theirs] = await Promise.all([createFor('ann'), createFor('bob')]);
  browser = await connectPuppeteer(mine);
});

afterAll(async () => {
  await browser.disconnect();
  await installation.stop();
  canary.close();
  site.closeAllConnections();
  site.close();
});

test('each browser has a network with nothing but a loopback, and no way to ask for more', async () => {
  const pids = await installation.browsers();
  expect(pids).toHaveLength(2);
  const networks = await Promise.all(
    [process.pid, ...pids].map(async pid => (await stat(`/proc/${pid}/ns/net`)).ino),
  );
  expect(new Set(networks).size).toBe(3);
  for (const pid of pids) {
    const interfaces = (await readFile(`/proc/${pid}/net/dev`, 'utf8')).match(/^ *\w+(?=:)/gm);
    expect(interfaces?.map(name => name.trim())).toEqual(['lo']);
    expect(await readFile(`/proc/${pid}/net/route`, 'utf8')).not.toMatch(/\n./);
    // A filter of system calls, in addition to which Chromium's processes have their own.
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).toMatch(/^Seccomp:\s+2$/m);
  }
});

test('a page loads what is allowed, and is online', async () => {
  const page = await browser.newPage();
  expect(await opens(page, siteUrl)).toBe('200');
  expect(await page.evaluate('navigator.onLine')).toBe(true);
  await page.close();
});

test('neither page nor client reaches the API, the DevTools of another session, or another port of the machine', async () => {
  const [port = ''] = (await readFile(join(await profileOf(theirs), 'DevToolsActivePort'), 'utf8')).split(
    '\n',
  );
  for (const proxyServer of [undefined, 'direct://']) {
    const context = await browser.createBrowserContext(
      proxyServer === undefined ? {} : { proxyServer, proxyBypassList: ['<-loopback>'] },
    );
    const refused = proxyServer === undefined ? '403' : expect.stringMatching(/^net::ERR_/);
    const places = [installation.url, `http://127.0.0.1:${port}`, `http://127.0.0.1:${canary.port}`];
    for (const url of places.map(place => `${place}/json/version`)) {
      const page = await context.newPage();
      expect([proxyServer, url, await opens(page, url)]).toEqual([proxyServer, url, refused]);
    }
    await context.close();
  }
  expect(canary.hits).toEqual([]);
});

test('the cage shows no socket that leads through the wall', async () => {
  const runRoot = join(installation.dir.path, 'run');
  const directories = (await readdir(runRoot)).filter(name => name.startsWith('b-'));
  const seen = new Set<string>();
  for (const name of directories) {
    const there = await readdir(join(runRoot, name));
    expect(there).toEqual(expect.arrayContaining(['devtools.sock', 'proxy.sock']));
    // A page for each: that of a failed navigation is shown a moment later, in place of the page opened next.
    const page = await browser.newPage();
    const answer = await page.goto(`file://${join(runRoot, name)}/`).catch(() => null);
    if (answer !== null) {
      const list = await page.waitForFunction(
        "document.body.innerText.includes('profile') && document.body.innerText",
      );
      for (const word of String(await list.jsonValue()).split(/[\s/]/))
        if (there.includes(word)) seen.add(word);
    }
    await page.close();
  }
  expect(seen).toContain('profile');
  expect(seen).not.toContain('devtools.sock');
  expect(seen).not.toContain('proxy.sock');
});

test('a connected client notices nothing of a killed keeper, and of the browser nothing is left', async () => {
  const client = await connectPuppeteer(theirs);
  const [page] = await client.pages();
  const old = await installation.signal('keeper', 'SIGKILL');
  expect(await page?.evaluate('1 + 1')).toBe(2);
  await installation.replaced('keeper', old);
  expect(await page?.evaluate('1 + 2')).toBe(3);
  await withPuppeteer(theirs, async other => expect(await opens(other, siteUrl)).toBe('200'));
  const directory = dirname(await profileOf(theirs));
  await client.close();
  await pollUntil('the browser to go', { timeoutMs: 8_000, everyMs: 50 }, async () => {
    const isNamed = (await listProcesses()).some(({ commandLine }) => commandLine.includes(directory));
    return isNamed || (await readdir(dirname(directory))).includes(basename(directory)) ? undefined : true;
  });
});

/** The profile of the browser of a session. */
async function profileOf(session: SessionView): Promise<string> {
  return withPuppeteer(session, async (_page, other) => {
    const cdp = await other.target().createCDPSession();
    const { arguments: words } = await cdp.send('Browser.getBrowserCommandLine');
    return words.find(word => word.startsWith('--user-data-dir='))?.split('=')[1] ?? '';
  });
}
