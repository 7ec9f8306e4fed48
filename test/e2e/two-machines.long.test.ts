import { readFile } from 'node:fs/promises';
import type { Page } from 'puppeteer';
import { Browser as Client } from '../../src/client/holdfast';
import { withPuppeteer } from '../support/clients';
import { canIsolate, makeFarMachine, type FarMachine } from '../support/far-machine';
import { Installation, type SessionView } from '../support/installation';
import { untilReaperIsActive } from '../support/reaper';
import { startRedis, type TestRedis } from '../support/redis';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { open } from '../support/upgrade';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

const MAKE_FILE = `
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(['made far away']));
  link.download = 'made.txt';
  link.click();`;

/* Opens a site that both machines have, though no network leads to it. */
async function withSite<T>(session: SessionView, work: (page: Page) => Promise<T>): Promise<T> {
  return withPuppeteer(session, async page => {
    await page.setRequestInterception(true);
    page.on('request', request => void request.respond({ contentType: 'text/html', body: '' }));
    await page.goto('http://login.example/');
    return work(page);
  });
}

/* A worker on another network, as in production. Needs root and iproute2 on Linux to make such a network. */
(canIsolate ? describe : describe.skip)('a session on another machine', () => {
  let far: FarMachine;
  let redis: TestRedis;
  let api: Installation;
  let machine: Installation;
  /* Where both machines keep contexts. */
  let storage: TempDir;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    far = await makeFarMachine();
    redis = await startRedis({
      args: ['--port', '6379', '--bind', far.hereAddress, '--protected-mode', 'no'],
    });
    storage = await makeTempDir();
    env = { REDIS_URL: `redis://${far.hereAddress}:6379`, HOLDFAST_STORAGE: storage.path };
    const gateway = {
      HOLDFAST_KEEPER_LISTEN: '0.0.0.0:9223',
      HOLDFAST_KEEPER_ADVERTISE: `${far.thereAddress}:9223`,
    };
    [api, machine] = await Promise.all([
      Installation.start({ mode: 'api', env }),
      Installation.start({
        mode: 'worker',
        browser: 'shell',
        env: { ...env, ...gateway },
        prefix: far.prefix,
      }),
    ]);
  });
  afterAll(async () => {
    await machine.stop();
    await api.stop();
    await redis.stop();
    await storage.remove();
    await far.remove();
  });

  it('is driven through its keeper’s gateway', async () => {
    const session = await api.create();
    const title = await withPuppeteer(session, async page => {
      await page.goto('data:text/html,<title>far away</title>');
      const { body } = await api.call<{ pages: unknown }>('GET', `/v1/sessions/${session.id}/live`);
      expect(body.pages).toMatchObject([{ title: 'far away' }]);
      return page.title();
    });
    expect(title).toBe('far away');
    const released = await api.call('POST', `/v1/sessions/${session.id}/release`);
    expect(released.body).toMatchObject({ status: 'released' });
  });

  it('gives its downloads and each of its pages to clients on other machines', async () => {
    const client = new Client({ baseUrl: api.url });
    const session = await client.sessions.create();
    const browser = await client.playwright.connect(session);
    const page = await browser.newPage();
    const [download] = await Promise.all([page.waitForEvent('download'), page.evaluate(MAKE_FILE)]);
    expect(await readFile(await download.path(), 'utf8')).toBe('made far away');
    expect(await client.sessions.downloads(session)).toMatchObject([{ name: 'made.txt', isComplete: true }]);
    await browser.close();
    const { pathname, search } = new URL(session.websocketUrl ?? '');
    const list = await api.call<{ webSocketDebuggerUrl: string }[]>('GET', `${pathname}/json/list${search}`);
    const socket = await open(list.body[0]?.webSocketDebuggerUrl ?? '');
    socket.terminate();
    await client.sessions.release(session);
  });

  it('takes uploads from clients on other machines', async () => {
    const client = new Client({ baseUrl: api.url });
    const session = await client.sessions.create();
    const content = Buffer.alloc(3 * 2 ** 20, 'far away ');
    const { path } = await client.sessions.upload(session, content, { name: 'a.txt' });
    const browser = await client.puppeteer.connect(session);
    const page = await browser.newPage();
    await page.goto('data:text/html,<input type="file">');
    const input = await page.$('input');
    if (input === null) throw new Error('the page has no input');
    await input.uploadFile(path);
    const read = 'document.querySelector("input").files[0].text()';
    expect(await page.evaluate(read)).toBe(content.toString());
    await browser.disconnect();
    await client.sessions.deleteUpload(session, 'a.txt');
    expect(await client.sessions.uploads(session)).toEqual([]);
    await client.sessions.release(session);
  });

  it('leaves a login in its context that a session on this machine has', async () => {
    const context = { name: 'travelling', persist: true };
    const session = await api.create({ context });
    await withSite(session, page =>
      page.evaluate(`document.cookie = 'login=ann'; localStorage.setItem('login', 'ann')`),
    );
    const released = await api.call('DELETE', `/v1/sessions/${session.id}`);
    expect(released.body.context?.lastSave).toMatchObject({ version: 1, error: null });
    await api.call('POST', `/v1/workers/${session.workerId}/drain`);
    const here = await Installation.start({ mode: 'worker', browser: 'shell', env });
    try {
      const next = await api.create({ context });
      expect(next.workerId).not.toBe(session.workerId);
      const remembered = await withSite(next, page =>
        page.evaluate(`document.cookie + ', ' + localStorage.getItem('login')`),
      );
      expect(remembered).toBe('login=ann, ann');
      await api.call('DELETE', `/v1/sessions/${next.id}`);
    } finally {
      await here.stop();
      await api.call('POST', `/v1/workers/${session.workerId}/undrain`);
    }
  });

  it('fails as worker_lost when the cable is pulled, and its browser ends when the cable is back', async () => {
    const session = await api.create();
    await untilReaperIsActive(redis);
    const pulledAtMs = Date.now();
    await far.pullCable();
    const lost = await api.until(session.id, ({ endedAt }) => endedAt !== null, 20_000);
    expect(lost).toMatchObject({ status: 'failed', endReason: 'worker_lost' });
    expect(Date.parse(lost.endedAt ?? '') - pulledAtMs).toBeLessThan(scaled(13_000));
    expect((await machine.browserProcesses()).length).toBeGreaterThan(0);
    await far.plugCable();
    await pollUntil('its browser to end', { timeoutMs: 20_000, everyMs: 100 }, async () =>
      (await machine.browserProcesses()).length === 0 ? true : undefined,
    );
  });
});
