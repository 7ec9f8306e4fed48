import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pause } from '../../src/core/abort';
import { systemProcesses } from '../../src/core/process-identity';
import { sleepDetails, untilAsleep } from '../support/asleep';
import { connectPuppeteer, leaveMark, readMark, withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { ordinaryUser } from '../support/ordinary-user';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

/*
 * Sessions whose browser sleeps after a second with nothing to do, in the whole product. An ordinary user has no
 * cgroups of version 1, so its browsers are stopped by signals, each in a network of its own.
 */
describe.each([
  ['root', (): object => ({})],
  ['an ordinary user', ordinaryUser],
])('a session that may sleep, of %s', (_who, user) => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.start({ browser: 'shell', ...user() });
  });
  afterAll(() => installation.stop());
  afterEach(async () => {
    await pollUntil('nothing of ended sessions to be left', { timeoutMs: 5_000, everyMs: 50 }, async () =>
      (await installation.browserProcesses()).length === 0 ? true : undefined,
    );
  });

  const create = (body: object = {}): Promise<SessionView> =>
    installation.create({ sleepAfter: 1_000, ...body });

  const release = ({ id }: SessionView): Promise<unknown> =>
    installation.call('DELETE', `/v1/sessions/${id}`);

  it('sleeps under a connected client, which finds everything as it was', async () => {
    const session = await create();
    expect(session).toMatchObject({ sleepAfter: 1_000 });
    const browser = await connectPuppeteer(session);
    const [page] = await browser.pages();
    await page?.evaluate('window.name = "mark"');
    const first = await untilAsleep(installation, session);
    // Longer than it takes to find a helper of a browser broken; and to ask is not to wake.
    await pause(5_000);
    expect(await sleepDetails(installation, session)).toEqual(first);
    expect(first).toMatchObject({ pagesKnown: false });
    expect(await page?.evaluate('window.name')).toBe('mark');
    expect(await sleepDetails(installation, session)).toMatchObject({ asleepSince: null, pagesKnown: true });
    await untilAsleep(installation, session);
    const other = await connectPuppeteer(session);
    expect(await (await other.pages())[0]?.title()).toBe('');
    await other.disconnect();
    await browser.disconnect();
    await release(session);
  });

  it.each(['cookies', 'screenshot', 'cdp/json/version'])('is woken by a call: %s', async path => {
    const session = await create();
    await untilAsleep(installation, session);
    const answer = await fetch(`${installation.url}/v1/sessions/${session.id}/${path}`);
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    expect((await sleepDetails(installation, session)).asleepSince).toBeNull();
    await release(session);
  });

  it('does not sleep while it downloads, and does afterwards', async () => {
    const session = await create();
    const files: ServerResponse[] = [];
    const site = createServer(({ url }, response) => {
      if (url !== '/file')
        return response.setHeader('content-type', 'text/html').end('<a href="/file" download>');
      files.push(response);
      return response.setHeader('content-disposition', 'attachment').write(Buffer.alloc(2 ** 20));
    });
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    try {
      // SAFETY: a listening TCP server has an AddressInfo.
      const { port } = site.address() as AddressInfo;
      await withPuppeteer(session, async page => {
        await page.goto(`http://127.0.0.1:${port}/`);
        await page.evaluate('document.querySelector("a").click()');
      });
      const file = await pollUntil('the download', { timeoutMs: 5_000, everyMs: 20 }, () => files[0]);
      await pause(4_000);
      expect((await sleepDetails(installation, session)).asleepSince).toBeNull();
      file.end();
      await untilAsleep(installation, session, 20_000);
    } finally {
      site.closeAllConnections();
      site.close();
    }
    await release(session);
  });

  it.each([
    ['idleTimeout', 'idle_timeout'],
    ['timeout', 'session_timeout'],
  ])('ends by its %s on time while it sleeps', async (limit, endReason) => {
    const session = await create({ [limit]: 4_000 });
    await untilAsleep(installation, session);
    const ended = await installation.until(session.id, ({ endedAt }) => endedAt !== null);
    expect(ended.endReason).toBe(endReason);
    const lastedMs = Date.parse(ended.endedAt ?? '') - Date.parse(ended.liveAt ?? '');
    expect(lastedMs).toBeGreaterThanOrEqual(4_000);
    expect(lastedMs).toBeLessThan(4_000 + scaled(1_000));
  });

  it('saves the logins of its context when it is released while it sleeps', async () => {
    const context = { name: 'sleepy', persist: true };
    const session = await create({ context });
    const cookie = { name: 'login', value: 'yes', domain: 'example.com', expires: 2_000_000_000 };
    await installation.call('POST', `/v1/sessions/${session.id}/cookies`, { cookies: [cookie] });
    await untilAsleep(installation, session);
    await release(session);
    const next = await installation.create({ context });
    const { body } = await installation.call<{ cookies: { name: string }[] }>(
      'GET',
      `/v1/sessions/${next.id}/cookies`,
    );
    expect(body.cookies.map(({ name }) => name)).toEqual(['login']);
    await release(next);
  });

  it.each(['keeper', 'worker'] as const)('goes on when its %s is killed while it sleeps', async role => {
    const session = await create();
    await leaveMark(session, role);
    await untilAsleep(installation, session);
    const killed = await installation.signal(role, 'SIGKILL');
    await installation.replaced(role, killed);
    await untilAsleep(installation, session);
    expect(await readMark(session)).toBe(role);
    expect(await installation.read(session.id)).toMatchObject({ status: 'live' });
    await release(session);
  });

  it('ends when its browser is killed while it sleeps', async () => {
    const session = await create();
    await untilAsleep(installation, session);
    const entries = await systemProcesses.list();
    const own = entries.filter(
      ({ commandLine }) =>
        commandLine.includes(installation.dir.path) && commandLine.includes('--remote-debugging-port'),
    );
    for (const { pid } of own) process.kill(pid, 'SIGKILL');
    // What is frozen in the first version of cgroups dies with the thaw.
    await withPuppeteer(session, () => Promise.resolve()).catch(() => undefined);
    const ended = await installation.until(session.id, ({ endedAt }) => endedAt !== null);
    expect(ended).toMatchObject({ status: 'failed', endReason: 'browser_crashed' });
  });
});
