import { chromium } from 'playwright-core';
import type { Browser, Page } from 'puppeteer';
import { withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { SELF, startMirrorSite, type MirrorSite } from '../support/mirror-site';

const USER_AGENT =
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/156.0.0.0 Mobile Safari/537.36';
const SECRET = 'a-value-that-nobody-may-see';

const PHONE = {
  dimensions: { width: 390, height: 844 },
  deviceScaleFactor: 3,
  userAgent: USER_AGENT,
  locale: 'de-DE',
  timezone: 'Asia/Kathmandu',
};
const SEEN = { userAgent: USER_AGENT, language: 'de-DE', languages: ['de-DE'], timezone: 'Asia/Katmandu' };

const GEOMETRY = '({ width: innerWidth, height: innerHeight, ratio: devicePixelRatio })';

/** What a popup that a page opens reads about its browser; `features` as for `window.open`. */
async function inPopup(page: Page, url: string, expression: string): Promise<unknown> {
  const [popup] = await Promise.all([
    new Promise<Page | null>(resolve => page.once('popup', resolve)),
    page.evaluate(`void window.open(${JSON.stringify(url)})`),
  ]);
  if (popup === null) throw new Error('no popup came');
  await popup.waitForFunction('document.title === "Mirror"');
  const said = await popup.evaluate(expression);
  await popup.close();
  return said;
}

const inWorker = (page: Page): Promise<unknown> =>
  page.evaluate(
    'new Promise(done => { const it = new Worker("/worker.js"); it.onmessage = ({ data }) => { it.terminate(); done(data); }; })',
  );

describe('the options of a session', () => {
  let installation: Installation;
  let site: MirrorSite;
  beforeAll(async () => {
    site = await startMirrorSite();
    installation = await Installation.start({ browser: 'chromium' });
  });
  afterAll(async () => {
    await installation.stop();
    await site.close();
  });

  const screenshotSize = async ({ id }: SessionView): Promise<[number, number]> => {
    const response = await fetch(`${installation.url}/v1/sessions/${id}/screenshot`);
    const png = Buffer.from(await response.arrayBuffer());
    return [png.readUInt32BE(16), png.readUInt32BE(20)];
  };

  const release = ({ id }: SessionView): Promise<unknown> =>
    installation.call('DELETE', `/v1/sessions/${id}`);

  /** Reads the options in every place where a page can be. */
  async function expectPhone(session: SessionView, round: string): Promise<void> {
    const size = { ...PHONE.dimensions, ratio: PHONE.deviceScaleFactor };
    await withPuppeteer(session, async (first, browser) => {
      await first.goto(`${site.url}/first-${round}`);
      expect(await first.evaluate(SELF)).toEqual(SEEN);
      expect(await first.evaluate(GEOMETRY)).toEqual(size);
      const later = await browser.newPage();
      await later.goto(`${site.url}/later-${round}`);
      expect(await later.evaluate(SELF)).toEqual(SEEN);
      expect(await later.evaluate(GEOMETRY)).toEqual(size);
      expect(await inWorker(later)).toEqual(SEEN);
      expect(await inPopup(later, `${site.url}/popup-${round}`, SELF)).toEqual(SEEN);
      expect(await inPopup(later, `${site.url}/popup-${round}`, GEOMETRY)).toEqual(size);
      await later.close();
    });
    for (const page of ['first', 'later', 'popup']) {
      expect(site.headersOf(`/${page}-${round}`)).toMatchObject({
        'user-agent': USER_AGENT,
        'accept-language': 'de-DE,de;q=0.9',
        cookie: `sid=${SECRET}`,
      });
    }
    expect(site.headersOf('/worker.js')['user-agent']).toBe(USER_AGENT);
    expect(await screenshotSize(session)).toEqual([1_170, 2_532]);
  }

  it('are seen by every page, popup and worker, also after worker, keeper and API were killed', async () => {
    const cookies = [{ name: 'sid', value: SECRET, url: site.url }];
    const session = await installation.create({ ...PHONE, cookies, timeout: 120_000 });
    expect(session).toMatchObject({ ...PHONE, timezone: 'Asia/Katmandu', headless: true, proxy: null });
    await expectPhone(session, 'before');
    for (const role of ['worker', 'keeper'] as const) {
      const killed = await installation.signal(role, 'SIGKILL');
      await installation.replaced(role, killed);
    }
    await installation.until(session.id, ({ revision }) => revision > session.revision);
    await expectPhone(session, 'after');
    await release(session);
  });

  it('size the pages of further browser contexts, and those that Playwright finds', async () => {
    const session = await installation.create({ dimensions: { width: 1_280, height: 720 } });
    const size = { width: 1_280, height: 720, ratio: 1 };
    await withPuppeteer(session, async (_page, browser: Browser) => {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      expect(await page.evaluate(GEOMETRY)).toEqual(size);
      await context.close();
    });
    const browser = await chromium.connectOverCDP(session.websocketUrl ?? '');
    const [context] = browser.contexts();
    const [first] = context?.pages() ?? [];
    expect(await first?.evaluate(GEOMETRY)).toEqual(size);
    const later = await context?.newPage();
    expect(await later?.evaluate(GEOMETRY)).toEqual(size);
    await browser.close();
    expect(await screenshotSize(session)).toEqual([1_280, 720]);
    await release(session);
  });

  it('are 1280 × 720 for every page when no dimensions are asked for, at any scale', async () => {
    const sessions = [await installation.create(), await installation.create({ deviceScaleFactor: 2 })];
    const seen = sessions.map(async session =>
      withPuppeteer(session, async (page, browser) => {
        const context = await browser.createBrowserContext();
        const further = await context.newPage();
        const sizes = [await page.evaluate(GEOMETRY), await further.evaluate(GEOMETRY)];
        await context.close();
        return sizes;
      }),
    );
    const at = (ratio: number): object[] => Array<object>(2).fill({ width: 1_280, height: 720, ratio });
    expect(await Promise.all(seen)).toEqual([at(1), at(2)]);
    await Promise.all(sessions.map(release));
  });

  it('fail the launch when the browser refuses a cookie, and the error has its name but not its value', async () => {
    const good = { name: 'good', value: SECRET, url: site.url };
    for (const [bad, what] of [
      [{ name: '__Host-bad', value: SECRET, domain: 'example.org' }, 'refused the cookie "__Host-bad"'],
      [
        { name: 'odd', value: SECRET, domain: 'example.org', sameSite: 'None' },
        'did not keep the cookie "odd"',
      ],
    ] as const) {
      expect(await installation.call('POST', '/v1/sessions', { cookies: [good, bad] })).toMatchObject({
        status: 502,
        body: { code: 'launch_failed', message: expect.stringContaining(what) },
      });
    }
  });

  it('leave no secret in the log', () => {
    expect(installation.output).toContain('launch failed');
    expect(installation.output).not.toContain(SECRET);
  });
});
