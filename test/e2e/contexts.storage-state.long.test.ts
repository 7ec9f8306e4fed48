import { chromium, type BrowserContext } from 'playwright-core';
import { withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { login, loginOf, rememberedLogin, startLoginSite, type LoginSite } from '../support/login-site';
import { S3Server } from '../support/s3-server';

type StorageState = Awaited<ReturnType<BrowserContext['storageState']>>;

/* Contexts in an S3-compatible store, and what can be taken out of them and put in by hand. */
describe('a context in a bucket', () => {
  const SAVE_EVERY_MS = 10_000;
  let store: S3Server;
  let site: LoginSite;
  let installation: Installation;
  /* Begun first, because its save is due after ten seconds. */
  let savingByItself: SessionView;
  let loggedInAtMs: number;
  beforeAll(async () => {
    [store, site] = await Promise.all([S3Server.start(), startLoginSite()]);
    installation = await Installation.start({ browser: 'chromium', env: store.settings() });
    savingByItself = await installation.create({
      context: { name: 'by itself', persist: true, saveEvery: SAVE_EVERY_MS },
    });
    await withPuppeteer(savingByItself, page => login(page, site, 'uma'));
    loggedInAtMs = Date.now();
  });
  afterAll(async () => {
    await installation.stop();
    await site.close();
    await store.stop();
  });

  const create = (context: object): Promise<SessionView> => installation.create({ context });
  const release = async ({ id }: SessionView): Promise<SessionView> =>
    (await installation.call('DELETE', `/v1/sessions/${id}`)).body;
  const statePath = ({ context }: SessionView): string => `/v1/contexts/${context?.id}/storage-state`;
  const stateOf = async (session: SessionView): Promise<StorageState> =>
    (await installation.call<StorageState>('GET', statePath(session))).body;
  const emptyContext = async (): Promise<string> =>
    (await installation.call<{ id: string }>('POST', '/v1/contexts', {})).body.id;

  /* What Playwright says of the browser. */
  const playwrightState = async ({ websocketUrl }: SessionView): Promise<StorageState> => {
    const browser = await chromium.connectOverCDP(websocketUrl ?? '');
    try {
      const [context] = browser.contexts();
      if (context === undefined) throw new Error('the browser has no context');
      // It knows only origins that it has seen loading.
      await Promise.all(context.pages().map(page => page.reload()));
      return await context.storageState();
    } finally {
      await browser.close();
    }
  };

  const sorted = ({ cookies, origins }: StorageState): unknown => ({
    cookies: [...cookies]
      .sort((a, b) => a.name.localeCompare(b.name))
      // Playwright answers in other fractions of a second.
      .map(cookie => ({ ...cookie, expires: Math.round(cookie.expires) })),
    origins,
  });

  it('brings a login back', async () => {
    const session = await create({ name: 'stored', persist: true });
    await withPuppeteer(session, page => login(page, site, 'vic'));
    expect((await release(session)).context?.lastSave).toMatchObject({ version: 1, error: null });
    const own = store.keys().filter(key => key.startsWith(`contexts/default/${session.context?.id}/`));
    expect(own).toHaveLength(1);
    const next = await create({ name: 'stored' });
    expect(await withPuppeteer(next, page => rememberedLogin(page, site))).toEqual(loginOf('vic'));
    await release(next);
  });

  it('is exported as what Playwright says of the browser, after a sync and after a release', async () => {
    const session = await create({ name: 'exported', persist: true });
    await withPuppeteer(session, page => login(page, site, 'wil'));
    const expected = await playwrightState(session);
    expect(expected.cookies.map(({ name }) => name).sort()).toEqual(['partitioned', 'persistent', 'session']);
    expect(expected.origins).toEqual([
      { origin: new URL(site.url).origin, localStorage: [{ name: 'login', value: 'wil' }] },
    ]);
    await installation.call('POST', `/v1/sessions/${session.id}/context/sync`);
    expect(sorted(await stateOf(session))).toEqual(sorted(expected));
    await release(session);
    expect(sorted(await stateOf(session))).toEqual(sorted(expected));
  });

  it('has a login that was imported, of cookies and local storage, and none of what was there before', async () => {
    const source = await create({ name: 'source', persist: true });
    await withPuppeteer(source, page => login(page, site, 'xan'));
    await release(source);
    const contextId = await emptyContext();
    const path = `/v1/contexts/${contextId}/storage-state`;
    const imported = await installation.call('PUT', path, await stateOf(source));
    expect(imported).toMatchObject({ status: 200, body: { currentVersion: 1 } });
    const session = await create({ id: contextId });
    expect(await withPuppeteer(session, page => rememberedLogin(page, site))).toEqual({
      ...loginOf('xan'),
      indexedDb: null,
      serviceWorker: null,
    });
    await release(session);
    expect(await installation.call('PUT', path, {})).toMatchObject({
      status: 200,
      body: { currentVersion: 2 },
    });
    const next = await create({ id: contextId });
    expect(await withPuppeteer(next, page => rememberedLogin(page, site))).toEqual(loginOf(null));
    await release(next);
  });

  it.each([
    ['no object', [], ''],
    ['an unknown member', { cookie: [] }, '/cookie'],
    ['a cookie without a name and a value', { cookies: [cookieOf({ name: '', value: '' })] }, '/cookies/0'],
    ['a cookie whose path is relative', { cookies: [cookieOf({ path: 'x' })] }, '/cookies/0/path'],
    ['a cookie of no domain', { cookies: [cookieOf({ domain: '' })] }, '/cookies/0/domain'],
    ['a cookie that expires at no time', { cookies: [cookieOf({ expires: 'soon' })] }, '/cookies/0/expires'],
    ['an origin that is a URL', { origins: [originOf('http://a.example/x')] }, '/origins/0/origin'],
    ['an origin that is no website', { origins: [originOf('file:///etc')] }, '/origins/0/origin'],
    [
      'an origin twice',
      { origins: [originOf('http://a.example'), originOf('http://a.example')] },
      '/origins/1/origin',
    ],
    [
      'databases',
      { origins: [{ ...originOf('http://a.example'), indexedDB: [{}] }] },
      '/origins/0/indexedDB',
    ],
  ])('refuses the import of %s, names the field and stays empty', async (_what, body, pointer) => {
    const id = await emptyContext();
    const { status, body: problem } = await installation.call<{
      code: string;
      errors: { pointer: string }[];
    }>('PUT', `/v1/contexts/${id}/storage-state`, body);
    expect({ status, code: problem.code }).toEqual({ status: 422, code: 'invalid_request' });
    expect(problem.errors.map(error => error.pointer)).toContain(pointer);
    const context = await installation.call('GET', `/v1/contexts/${id}`);
    expect(context.body).toMatchObject({ currentVersion: null });
    expect((await installation.call('GET', `/v1/contexts/${id}/storage-state`)).body).toEqual({
      cookies: [],
      origins: [],
    });
  });

  it('is saved by itself while its session is live, which brings a login back though the browser was killed', async () => {
    const { id } = savingByItself;
    // A save that ends half an interval after the login has also begun after it.
    const fromMs = loggedInAtMs + SAVE_EVERY_MS / 2;
    const saved = await installation.until(
      id,
      ({ context }) => Date.parse(context?.lastSave?.at ?? '') >= fromMs,
      20_000,
    );
    expect(saved).toMatchObject({ status: 'live', context: { lastSave: { isCurrent: true } } });
    for (const pid of await installation.browsers()) process.kill(pid, 'SIGKILL');
    await installation.until(id, ({ status }) => status === 'failed');
    const next = await create({ name: 'by itself' });
    expect(await withPuppeteer(next, page => rememberedLogin(page, site))).toEqual(loginOf('uma'));
    await release(next);
  });
});

function cookieOf(changes: object): object {
  return { name: 'a', value: 'b', domain: 'a.example', path: '/', ...changes };
}

function originOf(origin: string): object {
  return { origin, localStorage: [{ name: 'a', value: 'b' }] };
}
