import { systemProcesses } from '../../src/core/process-identity';
import { connectPuppeteer, withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { isWrapper } from '../support/proc';
import { scaled } from '../support/slowdown';

/* How sessions end, each once and for a stated reason, with a real browser. */
describe('a session', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.start({ browser: 'shell' });
  });
  afterAll(() => installation.stop());
  afterEach(async () => {
    await pollUntil('nothing of ended sessions to be left', { timeoutMs: 5_000, everyMs: 50 }, async () =>
      (await installation.browserProcesses()).length === 0 ? true : undefined,
    );
  });

  const browserRoot = async (): Promise<number> => {
    const entries = await systemProcesses.list();
    const root = entries.find(
      ({ commandLine }) =>
        commandLine.includes(`${installation.dir.path}/run`) &&
        commandLine.includes('--remote-debugging-port') &&
        !commandLine.includes('--type=') &&
        !isWrapper(commandLine),
    );
    if (root === undefined) throw new Error('no browser runs');
    return root.pid;
  };

  const ended = (session: SessionView): Promise<SessionView> =>
    installation.until(session.id, ({ endedAt }) => endedAt !== null);

  it('has one page open before anyone connects', async () => {
    const session = await installation.create();
    const browser = await connectPuppeteer(session);
    expect((await browser.pages()).map(page => page.url())).toEqual(['about:blank']);
    await browser.disconnect();
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
  });

  it('ends within two seconds as failed when its browser is killed', async () => {
    const session = await installation.create();
    process.kill(await browserRoot(), 'SIGKILL');
    const killedAtMs = Date.now();
    const after = await ended(session);
    expect(after).toMatchObject({ status: 'failed', endReason: 'browser_crashed' });
    expect(Date.parse(after.endedAt ?? '') - killedAtMs).toBeLessThan(scaled(2_000));
  });

  it('is released when its client closes the browser', async () => {
    const session = await installation.create();
    await withPuppeteer(session, async (_page, browser) => browser.close());
    expect(await ended(session)).toMatchObject({ status: 'released', endReason: 'client_closed_browser' });
  });

  it('goes on when its client disconnects', async () => {
    const session = await installation.create();
    await withPuppeteer(session, page => page.goto('data:text/html,<title>here</title>'));
    expect(await withPuppeteer(session, page => page.title())).toBe('here');
    expect((await installation.read(session.id)).status).toBe('live');
    await installation.call('POST', `/v1/sessions/${session.id}/release`);
  });

  it('times out never early and at most a second late, with its sockets closed', async () => {
    const session = await installation.create({ timeout: 1_500 });
    const browser = await connectPuppeteer(session);
    const disconnected = new Promise<number>(resolve =>
      browser.once('disconnected', () => resolve(Date.now())),
    );
    const after = await ended(session);
    expect(after).toMatchObject({ status: 'timed_out', endReason: 'session_timeout' });
    const lateMs = Date.parse(after.endedAt ?? '') - Date.parse(session.expiresAt ?? '');
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(scaled(1_000));
    expect((await disconnected) - Date.parse(after.endedAt ?? '')).toBeLessThan(scaled(1_000));
  });

  it('times out when idle, and not while its client is busy', async () => {
    const session = await installation.create({ idleTimeout: 1_000 });
    const browser = await connectPuppeteer(session);
    const [page] = await browser.pages();
    const busyUntilMs = Date.now() + 2_500;
    while (Date.now() < busyUntilMs)
      await page?.evaluate(() => new Promise(resolve => setTimeout(resolve, 200)));
    expect((await installation.read(session.id)).status).toBe('live');
    await browser.disconnect();
    expect(await ended(session)).toMatchObject({ status: 'timed_out', endReason: 'idle_timeout' });
  });

  it('times out when no client ever connects', async () => {
    const session = await installation.create({ connectTimeout: 1_000 });
    expect(await ended(session)).toMatchObject({ status: 'timed_out', endReason: 'connect_timeout' });
  });

  it('is released once by a bulk release', async () => {
    const sessions = [await installation.create(), await installation.create()];
    const answer = await installation.call<{ success: boolean; released: number }>(
      'POST',
      '/v1/sessions/release',
    );
    expect(answer.body).toMatchObject({ success: true, released: 2 });
    for (const { id } of sessions) {
      expect(await installation.read(id)).toMatchObject({
        status: 'released',
        endReason: 'released_by_bulk',
      });
    }
  });
});
