import type { Page } from 'puppeteer';
import type { ContextVersionData } from '../../src/client/contexts';
import { connectPuppeteer, withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { login, loginOf, rememberedLogin, startLoginSite, type LoginSite } from '../support/login-site';
import { readEvents } from '../support/sse';

/* A login that a session has left in a context, and what comes back of it in the next one. */
describe('a context', () => {
  let installation: Installation;
  let site: LoginSite;
  beforeAll(async () => {
    site = await startLoginSite();
    installation = await Installation.start({ browser: 'chromium' });
  });
  afterAll(async () => {
    await installation.stop();
    await site.close();
  });

  const create = (context: object, others: object = {}): Promise<SessionView> =>
    installation.create({ context, ...others });

  const release = async ({ id }: SessionView): Promise<SessionView> =>
    (await installation.call('DELETE', `/v1/sessions/${id}`)).body;

  /* A live session with a context of that name into which it saves, and a login in its browser. */
  const loggedIn = async (name: string, user: string, others: object = {}): Promise<SessionView> => {
    const session = await create({ name, persist: true }, others);
    await withPuppeteer(session, page => login(page, site, user));
    return session;
  };

  /* What a new session with the context remembers. */
  const remembered = async (name: string): Promise<unknown> => {
    const session = await create({ name });
    try {
      return await withPuppeteer(session, page => rememberedLogin(page, site));
    } finally {
      await release(session);
    }
  };

  const saved = ({ id }: SessionView): Promise<SessionView> =>
    installation.until(id, ({ context }) => context?.lastSave?.id === null);

  const versions = async ({ context }: SessionView): Promise<readonly ContextVersionData[]> => {
    const path = `/v1/contexts/${context?.id}/versions`;
    return (await installation.call<{ versions: ContextVersionData[] }>('GET', path)).body.versions;
  };

  const killBrowser = async (): Promise<void> => {
    for (const pid of await installation.browsers()) process.kill(pid, 'SIGKILL');
  };

  const firstVersion = { version: 1, isCurrent: true, error: null };

  it('brings a login back that a session has left at its release, whose answer and event tell the save', async () => {
    const session = await loggedIn('released', 'ann');
    expect(session.context).toMatchObject({ persist: true, version: null, lastSave: null });
    const events = await readEvents(`${installation.url}/v1/sessions/${session.id}/events/stream`);
    const { context } = await release(session);
    expect(context?.lastSave).toMatchObject({ id: null, ...firstVersion });
    await events.ended();
    expect(events.events.at(-1)).toMatchObject({ event: 'closed', data: { contextSave: context?.lastSave } });
    expect(await remembered('released')).toEqual(loginOf('ann'));
  });

  it('brings a login back after a time-out', async () => {
    const session = await loggedIn('timed out', 'bob', { timeout: 4_000 });
    expect(await saved(session)).toMatchObject({ status: 'timed_out', context: { lastSave: firstVersion } });
    expect(await remembered('timed out')).toEqual(loginOf('bob'));
  });

  it('brings a login back after the client has closed the browser', async () => {
    const session = await loggedIn('closed', 'cat');
    await withPuppeteer(session, (_page, browser) => browser.close());
    expect(await saved(session)).toMatchObject({
      endReason: 'client_closed_browser',
      context: { lastSave: firstVersion },
    });
    expect(await remembered('closed')).toEqual(loginOf('cat'));
  });

  it('brings a login back after the service was stopped and started again', async () => {
    const session = await loggedIn('stopped', 'dan');
    expect(await installation.interrupt('SIGTERM')).toBe(0);
    await installation.restart();
    expect(await saved(session)).toMatchObject({
      endReason: 'drained',
      context: { lastSave: firstVersion },
    });
    expect(await remembered('stopped')).toEqual(loginOf('dan'));
  });

  it('brings a login back that was synced right after it was made, though the browser was killed', async () => {
    const session = await loggedIn('synced', 'eve');
    const synced = await installation.call('POST', `/v1/sessions/${session.id}/context/sync`);
    await killBrowser();
    expect(synced.headers.get('save-id')).toBe('1');
    expect(synced.body).toMatchObject({ status: 'live', context: { lastSave: { id: 1, ...firstVersion } } });
    const failed = await installation.until(session.id, ({ endedAt }) => endedAt !== null);
    expect(failed).toMatchObject({
      endReason: 'browser_crashed',
      context: { lastSave: { id: 1, ...firstVersion } },
    });
    expect(await remembered('synced')).toEqual(loginOf('eve'));
  });

  it('saves nothing after a crash: what was there before stands', async () => {
    await release(await loggedIn('crashed', 'fay'));
    const session = await loggedIn('crashed', 'gus');
    await killBrowser();
    const failed = await installation.until(session.id, ({ endedAt }) => endedAt !== null);
    expect(failed).toMatchObject({
      endReason: 'browser_crashed',
      context: { version: 1, lastSave: null },
    });
    expect(await remembered('crashed')).toEqual(loginOf('fay'));
    expect((await versions(session)).map(({ version }) => version)).toEqual([1]);
    expect((await installation.read(session.id)).context?.lastSave).toBeNull();
  });

  it('takes a further login, and a logout, over what was there before', async () => {
    await release(await loggedIn('again', 'hal'));
    await release(await loggedIn('again', 'ida'));
    expect(await remembered('again')).toEqual(loginOf('ida'));
    const session = await create({ name: 'again', persist: true });
    await withPuppeteer(session, async page => {
      const cdp = await page.createCDPSession();
      await cdp.send('Storage.clearDataForOrigin', { origin: new URL(site.url).origin, storageTypes: 'all' });
      await cdp.send('Network.clearBrowserCookies');
    });
    expect((await release(session)).context?.lastSave).toMatchObject({ version: 3, isCurrent: true });
    expect(await remembered('again')).toEqual(loginOf(null));
  });

  it('keeps session cookies when the last page is closed', async () => {
    const session = await loggedIn('pageless', 'jim');
    const browser = await connectPuppeteer(session);
    for (const page of await browser.pages()) await page.close();
    const page = await browser.newPage();
    expect(await rememberedLogin(page, site)).toEqual(loginOf('jim'));
    await page.close();
    await browser.disconnect();
    await release(session);
    expect(await remembered('pageless')).toEqual(loginOf('jim'));
  });

  it('brings permissions back that were given to a site', async () => {
    const permission = async (page: Page): Promise<unknown> => {
      await page.goto(site.url);
      return page.evaluate(`navigator.permissions.query({ name: 'geolocation' }).then(({ state }) => state)`);
    };
    const session = await create({ name: 'permitted', persist: true });
    await withPuppeteer(session, async page => {
      expect(await permission(page)).not.toBe('granted');
      await page.goto('chrome://settings/content/siteDetails');
      const given = JSON.stringify([new URL(site.url).origin, 'location', 'allow']);
      await page.evaluate(`chrome.send('setOriginPermissions', ${given})`);
      expect(await permission(page)).toBe('granted');
    });
    await release(session);
    const next = await create({ name: 'permitted' });
    expect(await withPuppeteer(next, permission)).toBe('granted');
    await release(next);
  });
});
