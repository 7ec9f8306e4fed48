import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContextOptions, Page } from 'puppeteer';
import { Canary, tryEverything } from '../support/canary';
import { connectPuppeteer } from '../support/clients';
import { canFilter } from '../support/firewall';
import { FORBIDDEN_HOSTS, LOOPBACK_HOSTS } from '../support/forbidden-hosts';
import { Installation } from '../support/installation';

/*
 * S12, S13: every spelling of a forbidden address, in every way that a page and a client have, as whoever runs these
 * tests. What leads to this machine would be heard by a canary; that the canary hears is shown by a page that may.
 */

/** What a page gets from a place, each way as one word; over when all have failed or worked. */
const TRY_ALL = `where => {
  const within = start => new Promise(done => {
    setTimeout(done, 5_000, 'silence');
    start(done);
  });
  const loads = (tag, set) => within(done => {
    const element = document.createElement(tag);
    element.onload = () => done('loaded');
    element.onerror = () => done('error');
    set(element);
    document.head.append(element);
  });
  const at = 'http://' + where;
  return Promise.all([
    fetch(at + '/fetch').then(answer => String(answer.status), () => 'error'),
    fetch('/to?' + encodeURIComponent(at + '/redirect')).then(answer => String(answer.status), () => 'error'),
    loads('img', image => (image.src = at + '/image')),
    loads('script', script => (script.src = at + '/script')),
    loads('link', link => { link.rel = 'stylesheet'; link.href = at + '/style'; }),
    within(done => {
      const source = new EventSource(at + '/events');
      source.onopen = () => done('open');
      source.onerror = () => { source.close(); done('error'); };
    }),
  ]);
}`;

/**
 * The same with WebSockets to many places at once: after some that fail, Chromium delays each further one by seconds.
 */
const TRY_SOCKETS = `places => Promise.all(places.map(where => new Promise(done => {
  const socket = new WebSocket('ws://' + where + '/socket');
  socket.onopen = () => done('open');
  socket.onerror = () => done('error');
})))`;

const NOTHING = new Array<string>(6).fill('error');

const canSeal = process.getuid?.() !== 0 || canFilter();

(canSeal ? describe : describe.skip)('an installation that opens public addresses and one site', () => {
  let installation: Installation;
  let canary: Canary;
  let site: Server;
  let siteUrl: string;
  let browser: Browser;

  beforeAll(async () => {
    canary = await Canary.start();
    site = createServer((request, response) => {
      const to = /^\/to\?(.*)$/.exec(request.url ?? '')?.[1];
      if (to === undefined) response.setHeader('content-type', 'text/html').end('<title>the site</title>');
      // Node writes headers as Latin-1; some of the spellings are not.
      else
        response.writeHead(302, { location: Buffer.from(decodeURIComponent(to)).toString('latin1') }).end();
    }).listen(0, '127.0.0.1');
    await once(site, 'listening');
    // SAFETY: a listening TCP server has an AddressInfo.
    const { port } = site.address() as AddressInfo;
    siteUrl = `http://127.0.0.1:${port}/`;
    installation = await Installation.start({
      browser: 'shell',
      env: {
        HOLDFAST_ISOLATION: 'sealed',
        HOLDFAST_EGRESS: 'public',
        HOLDFAST_EGRESS_ALLOW: `127.0.0.1:${port}`,
      },
    });
    browser = await connectPuppeteer(await installation.create({ timeout: 3_600_000 }));
  }, 90_000);

  afterAll(async () => {
    await browser.disconnect();
    await installation.stop();
    canary.close();
    site.closeAllConnections();
    site.close();
  });

  const tryAll = async (page: Page, host: string): Promise<unknown> =>
    page.evaluate(`(${TRY_ALL})(${JSON.stringify(`${host}:${canary.port}`)})`);

  /* All have to fail, in every way. A refusal of the proxy is an error, too, for a page of another origin. */
  async function expectNothing(page: Page, hosts: readonly string[]): Promise<void> {
    for (const host of hosts) expect([host, await tryAll(page, host)]).toEqual([host, NOTHING]);
    const places = hosts.map(host => `${host}:${canary.port}`);
    const got = await page.evaluate(`(${TRY_SOCKETS})(${JSON.stringify(places)})`);
    expect(got).toEqual(hosts.map(() => 'error'));
  }

  async function withPage<T>(
    options: BrowserContextOptions | null,
    use: (page: Page) => Promise<T>,
  ): Promise<T> {
    const context =
      options === null ? browser.defaultBrowserContext() : await browser.createBrowserContext(options);
    const page = await context.newPage();
    try {
      return await use(page);
    } finally {
      await page.close();
    }
  }

  it('has at least sixty spellings to try, of which twenty lead to this machine', () => {
    expect(new Set(FORBIDDEN_HOSTS).size).toBeGreaterThanOrEqual(60);
    expect(LOOPBACK_HOSTS.length).toBeGreaterThanOrEqual(20);
  });

  it('lets a page reach no forbidden address in any way', async () => {
    await withPage(null, async page => {
      await page.goto(siteUrl);
      await expectNothing(page, FORBIDDEN_HOSTS);
    });
    expect(canary.hits).toEqual([]);
  }, 300_000);

  it('answers a navigation to each with a refusal', async () => {
    await withPage(null, async page => {
      for (const host of FORBIDDEN_HOSTS) {
        const said = await page.goto(`http://${host}:${canary.port}/navigation`).then(
          answer => String(answer?.status()),
          (error: unknown) => /net::ERR_\w+/.exec(String(error))?.[0] ?? String(error),
        );
        expect([host, said]).toEqual([host, expect.stringMatching(/^403$|^net::ERR_/)]);
      }
    });
    expect(canary.hits).toEqual([]);
  }, 300_000);

  it.each([
    ['without a proxy', { proxyServer: 'direct://', proxyBypassList: ['<-loopback>'] }],
    ['around a proxy', { proxyServer: 'http://192.0.2.1:1', proxyBypassList: ['*'] }],
  ])(
    'lets a context %s reach none of those that lead to this machine',
    async (_what, options) => {
      await withPage(options, async page => {
        await page.goto('data:text/html,a page');
        await expectNothing(page, LOOPBACK_HOSTS);
      });
      expect(canary.hits).toEqual([]);
    },
    300_000,
  );

  it('sends nothing to a proxy of a client, to STUN and TURN, or by navigations and beacons of any context', async () => {
    await tryEverything(browser, canary);
    expect(canary.hits).toEqual([]);
  }, 120_000);

  // Otherwise silence would mean nothing.
  it('would be heard: the canary hears a page of a session that may', async () => {
    const open = await Installation.start({ browser: 'shell', env: { HOLDFAST_EGRESS: 'open' } });
    try {
      const other = await connectPuppeteer(await open.create());
      const page = await other.newPage();
      await page.goto(`http://127.0.0.1:${canary.port}/heard`);
      expect(canary.hits).toContain('/heard');
      await other.disconnect();
    } finally {
      await open.stop();
    }
  }, 90_000);
});
