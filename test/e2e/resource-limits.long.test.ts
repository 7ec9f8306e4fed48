import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import { canLimit, cgroupsOf } from '../support/cgroups';
import { FakeBrowser } from '../support/fake-browser';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';

/* What a session takes too much of ends that session, and no other. */

const MIB = 2 ** 20;

/** A Chromium with one page takes 150 MiB and some 115 threads, each page 13 MiB and 11 threads more. */
const SETTINGS = {
  HOLDFAST_BROWSER_MEMORY_MAX_BYTES: String(600 * MIB),
  HOLDFAST_BROWSER_PIDS_MAX: '256',
};

(canLimit() ? describe : describe.skip)('a session that takes too much', () => {
  let program: FakeBrowser;
  let installation: Installation;
  let site: Server;
  let neighbour: { readonly session: SessionView; readonly page: Page };

  beforeAll(async () => {
    program = await FakeBrowser.create('well');
    const env = { ...SETTINGS, HOLDFAST_CHROMIUM_PATH: program.path };
    installation = await Installation.start({ browser: 'chromium', env });
    site = createServer((_request, response) => response.end('<title>site</title>')).listen(0, '127.0.0.1');
    await once(site, 'listening');
    const session = await installation.create();
    neighbour = { session, page: await firstPage(await connect(session)) };
  }, 60_000);

  afterAll(async () => {
    site.close();
    await neighbour.page.browser().disconnect();
    await installation.stop();
    await program.remove();
    expect(cgroupsOf(join(installation.dir.path, 'run'))).toEqual([]);
  });

  /* The neighbour is asked all the time; answers what the work has. */
  async function besideNeighbour<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const done = work.finally(() => (isOver = true));
    for (let n = 1; !isOver; n += 1) {
      expect(await neighbour.page.evaluate(`${n} + 1`)).toBe(n + 1);
      await neighbour.page.evaluate(PAUSE);
    }
    expect((await installation.read(neighbour.session.id)).status).toBe('live');
    return done;
  }

  const failed = (id: string): Promise<SessionView> =>
    besideNeighbour(installation.until(id, ({ status }) => status === 'failed', 30_000));

  it('loses a page that eats memory, and goes on', async () => {
    const session = await installation.create();
    const browser = await connect(session);
    const page = await firstPage(browser);
    const crashed = new Promise<Error>(resolve => page.once('error', resolve));
    // Never answered: the page is gone.
    void page.evaluate(EAT_MEMORY).catch(() => undefined);
    expect(await besideNeighbour(crashed)).toMatchObject({ message: 'Page crashed!' });
    const next = await browser.newPage();
    expect(await next.evaluate('6 * 7')).toBe(42);
    expect((await installation.read(session.id)).status).toBe('live');
    await browser.disconnect();
    await release(session);
  }, 60_000);

  it('fails as resource_limit, saying memory, when the browser itself has none left', async () => {
    const session = await installation.create();
    const browser = await connect(session);
    // What pages of such a context store is in the memory of the browser's own process.
    const page = await (await browser.createBrowserContext()).newPage();
    // SAFETY: it listens on a port.
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}`);
    void page.evaluate(FILL_CACHE).catch(() => undefined);
    const { endReason, error } = await failed(session.id);
    expect({ endReason, error }).toEqual({
      endReason: 'resource_limit',
      error: { code: 'resource_limit', message: expect.stringMatching(/SIGKILL.*limit of memory/) },
    });
    const last = (await installation.history(session.id)).at(-1);
    expect(last).toMatchObject({ to: 'failed', cause: 'resource_limit' });
    await nothingLeftOf();
  }, 60_000);

  it('fails as resource_limit, saying pids, when it opens too many pages', async () => {
    const session = await installation.create();
    const browser = await connect(session);
    void openPages(browser).catch(() => undefined);
    expect(await failed(session.id)).toMatchObject({
      endReason: 'resource_limit',
      error: { message: expect.stringContaining('limit of pids') },
    });
    await nothingLeftOf();
  }, 60_000);

  it('fails as resource_limit, saying pids, when a fork bomb goes off in it', async () => {
    await program.setBehaviour('bombs');
    const session = await installation.create();
    await program.setBehaviour('well');
    await program.lightBombs();
    expect(await failed(session.id)).toMatchObject({
      endReason: 'resource_limit',
      error: { message: expect.stringContaining('limit of pids') },
    });
    await nothingLeftOf();
  }, 60_000);

  /* Of the neighbour there is one cgroup in each tree. */
  async function nothingLeftOf(): Promise<void> {
    await pollUntil('the rest of the session to go', { timeoutMs: 5_000, everyMs: 50 }, async () => {
      const names = new Set(
        cgroupsOf(join(installation.dir.path, 'run')).map(path => path.split('/').at(-1)),
      );
      return names.size === 1 && (await installation.browsers()).length === 1 ? true : undefined;
    });
  }

  async function release({ id }: SessionView): Promise<void> {
    await installation.call('DELETE', `/v1/sessions/${id}`);
    await nothingLeftOf();
  }
});

const PAUSE = 'new Promise(resolve => setTimeout(resolve, 100))';

const EAT_MEMORY = `(async () => {
  for (const kept = []; ; await ${PAUSE.replace('100', '1')}) kept.push(new Uint8Array(16 * 2 ** 20).fill(1));
})()`;

const FILL_CACHE = `(async () => {
  const cache = await caches.open('large');
  for (let n = 0; ; n += 1) await cache.put('/' + n, new Response(new Uint8Array(8 * 2 ** 20).fill(1)));
})()`;

async function openPages(browser: Browser): Promise<never> {
  for (;;) await browser.newPage();
}

async function connect({ websocketUrl }: SessionView): Promise<Browser> {
  if (websocketUrl === null) throw new Error('the session is not live');
  return puppeteer.connect({ browserWSEndpoint: websocketUrl, defaultViewport: null });
}

async function firstPage(browser: Browser): Promise<Page> {
  const [page] = await browser.pages();
  return page ?? browser.newPage();
}
