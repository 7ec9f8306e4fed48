import { withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { login, loginOf, rememberedLogin, startLoginSite, type LoginSite } from '../support/login-site';

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

  const create = (context: object): Promise<SessionView> => installation.create({ context });
  const release = async ({ id }: SessionView): Promise<unknown> =>
    (await installation.call('DELETE', `/v1/sessions/${id}`)).body;
  it('brings a login back that a session has left at its release', async () => {
    const name = 'released';
    const first = await create({ name, persist: true });
    await withPuppeteer(first, page => login(page, site, 'ann'));
    console.log(JSON.stringify(await release(first)));
    const second = await create({ name });
    console.log(JSON.stringify(second));
    expect(await withPuppeteer(second, page => rememberedLogin(page, site))).toEqual(loginOf('ann'));
    await release(second);
  });

  it('brings a login back that was synced right after it was made, though the browser was killed', async () => {
    const name = 'synced';
    const first = await create({ name, persist: true });
    await withPuppeteer(first, page => login(page, site, 'bob'));
    const t = performance.now();
    const synced = await installation.call('POST', `/v1/sessions/${first.id}/context/sync`);
    console.log(performance.now() - t, JSON.stringify(synced.body));
    await withPuppeteer(first, page => page.goto('chrome://crash').catch(() => undefined));
    await release(first);
    const second = await create({ name });
    expect(await withPuppeteer(second, page => rememberedLogin(page, site))).toEqual(loginOf('bob'));
    await release(second);
  });
});
