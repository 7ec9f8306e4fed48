import type { Page } from 'puppeteer';
import { withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { findHeadlessShell } from '../support/headless-shell';
import { startMirrorSite, type MirrorSite } from '../support/mirror-site';

/* Sessions with the headless shell beside sessions with the whole Chromium. */

const SHELL = { browser: 'chromium-headless-shell' } as const;

const GEOMETRY = '({ width: innerWidth, height: innerHeight, ratio: devicePixelRatio })';

const productOf = (session: SessionView): Promise<string> =>
  withPuppeteer(session, (_page, browser) => browser.version());

(findHeadlessShell() === null ? describe.skip : describe)('the browser of a session', () => {
  let installation: Installation;
  let site: MirrorSite;
  beforeAll(async () => {
    site = await startMirrorSite();
    installation = await Installation.start({ browser: 'chromium' });
  });
  afterEach(() => installation.call('POST', '/v1/sessions/release'));
  afterAll(async () => {
    await installation.stop();
    await site.close();
  });

  const release = ({ id }: SessionView): Promise<unknown> =>
    installation.call('POST', `/v1/sessions/${id}/release`);

  it('is the whole Chromium or the headless shell, as the session asks, side by side', async () => {
    const [whole, shell] = [await installation.create(), await installation.create(SHELL)];
    expect(whole).toMatchObject({ browser: null });
    expect(shell).toMatchObject({ browser: 'chromium-headless-shell' });
    expect(await productOf(whole)).toMatch(/^Chrome\//);
    expect(await productOf(shell)).toMatch(/^HeadlessChrome\//);
  });

  it.each([
    [1_280, 720, 1],
    [390, 844, 3],
  ])('shows pages of %i × %i at scale %i in the headless shell, too', async (width, height, ratio) => {
    const options = { dimensions: { width, height }, deviceScaleFactor: ratio, userAgent: 'Mine/1.0' };
    const session = await installation.create({
      ...SHELL,
      ...options,
      locale: 'de-DE',
      timezone: 'Asia/Tokyo',
    });
    await withPuppeteer(session, async (first, browser) => {
      for (const page of [first, await browser.newPage()]) {
        await page.goto(site.url);
        expect(await page.evaluate(GEOMETRY)).toEqual({ width, height, ratio });
        const said = await page.evaluate(
          '[navigator.userAgent, navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone]',
        );
        expect(said).toEqual(['Mine/1.0', 'de-DE', 'Asia/Tokyo']);
      }
    });
  });

  it('keeps downloads of every context under their names in the headless shell, too', async () => {
    const session = await installation.create(SHELL);
    const save = async (page: Page, name: string): Promise<void> => {
      await page.goto(`data:text/html,<a download="${name}" href="data:,text">x</a>`);
      await page.click('a');
    };
    await withPuppeteer(session, async (_page, browser) => {
      await save(await browser.newPage(), 'own.txt');
      const other = await browser.createBrowserContext();
      await save(await other.newPage(), 'other.txt');
      await pollUntil('both downloads', { timeoutMs: 10_000, everyMs: 50 }, async () => {
        const { body } = await installation.call<{ downloads: { name: string; isComplete: boolean }[] }>(
          'GET',
          `/v1/sessions/${session.id}/downloads`,
        );
        const names = body.downloads.filter(file => file.isComplete).map(({ name }) => name);
        return names.includes('own.txt') && names.includes('other.txt') ? true : undefined;
      });
    });
  });

  it('may change from one session of a context to the next: logins of either come back', async () => {
    const login = `document.cookie = 'login=yes; max-age=9999'; localStorage.setItem('login', 'yes')`;
    const read = `[document.cookie, localStorage.getItem('login')]`;
    const context = { name: 'flavours', persist: true };
    const first = await installation.create({ ...SHELL, context });
    await withPuppeteer(first, async page => {
      await page.goto(site.url);
      await page.evaluate(login);
    });
    await release(first);
    for (const browser of ['chromium', 'chromium-headless-shell']) {
      const next = await installation.create({ browser, context });
      const seen = await withPuppeteer(next, async page => {
        await page.goto(site.url);
        return page.evaluate(read);
      });
      expect([browser, seen]).toEqual([browser, ['login=yes', 'yes']]);
      await release(next);
    }
  });

  it('is refused with windows if it has none, and for a name that there is not', async () => {
    const windows = await installation.call('POST', '/v1/sessions', { ...SHELL, headless: false });
    expect(windows).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
    const unknown = await installation.call('POST', '/v1/sessions', { browser: 'firefox' });
    expect(unknown).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
  });

  it('ends in order when a client closes it, and leaves nothing', async () => {
    const session = await installation.create(SHELL);
    await withPuppeteer(session, (_page, browser) => browser.close());
    const ended = await installation.until(session.id, ({ endedAt }) => endedAt !== null);
    expect(ended).toMatchObject({ status: 'released', endReason: 'client_closed_browser' });
    await pollUntil('its processes to be gone', { timeoutMs: 5_000, everyMs: 50 }, async () =>
      (await installation.browserProcesses()).length === 0 ? true : undefined,
    );
  });
});

(findHeadlessShell() === null ? describe.skip : describe)('with the headless shell by default', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start({
      browser: 'shell',
      env: { HOLDFAST_CHROMIUM_PATH: '/nowhere' },
    });
  });
  afterAll(() => installation.stop());

  it('a page narrower than any window of the whole Chromium is as narrow', async () => {
    const session = await installation.create({ dimensions: { width: 320, height: 500 } });
    expect(await withPuppeteer(session, page => page.evaluate(GEOMETRY))).toEqual({
      ...{ width: 320, height: 500, ratio: 1 },
    });
  });

  it('a session gets it, and one that asks for a browser that this machine lacks fails and says so', async () => {
    expect(await productOf(await installation.create())).toMatch(/^HeadlessChrome\//);
    for (const wish of [{ browser: 'chromium' }, { headless: false }]) {
      const { status, body } = await installation.call('POST', '/v1/sessions', wish);
      expect([wish, status, body]).toMatchObject([wish, 502, { code: 'launch_failed' }]);
      expect(JSON.stringify(body)).toContain('this machine has no chromium');
    }
  });
});
