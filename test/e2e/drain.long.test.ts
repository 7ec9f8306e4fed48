import { isAlive, systemProcesses } from '../../src/core/process-identity';
import { checkHistory } from '../chaos/checker';
import { connectPuppeteer } from '../support/clients';
import { FakeBrowser } from '../support/fake-browser';
import { Installation, type InstallationOptions, type SessionView } from '../support/installation';
import { startRedis, type TestRedis } from '../support/redis';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

/* An orderly end, and a kill of everything: no accepted session is lost (I1). */

const DRAINED_WITHIN_MS = 10_000;

let installation: Installation;

const start = async (options: InstallationOptions): Promise<Installation> =>
  (installation = await Installation.start(options));

const accept = async (): Promise<SessionView> =>
  (await installation.call('POST', '/v1/sessions', { queueTimeout: 120_000 }, { prefer: 'respond-async' }))
    .body;

async function drained(how: () => Promise<number | null>): Promise<void> {
  const beganMs = performance.now();
  expect(await how()).toBe(0);
  expect(performance.now() - beganMs).toBeLessThan(scaled(DRAINED_WITHIN_MS));
  expect(await installation.browserProcesses()).toEqual([]);
  const left = (await systemProcesses.list()).filter(({ commandLine }) =>
    commandLine.includes(installation.dir.path),
  );
  expect(left).toEqual([]);
}

async function expectLegal(sessions: readonly SessionView[]): Promise<void> {
  for (const { id } of sessions) {
    const [view, history] = [await installation.read(id), await installation.history(id)];
    expect(checkHistory({ id, view, history })).toEqual([]);
  }
}

describe('with real browsers', () => {
  beforeAll(() => start({ browser: 'shell', ownGroup: true, env: { HOLDFAST_SLOTS: '2' } }));
  afterEach(async () => {
    await installation.call('POST', '/v1/sessions/release');
    await pollUntil('the last browser process to be gone', { timeoutMs: 5_000, everyMs: 50 }, async () =>
      (await installation.browserProcesses()).length === 0 ? true : undefined,
    );
  });
  afterAll(() => installation.stop());

  it.each([
    ['SIGTERM', () => installation.interrupt('SIGTERM')],
    ['Ctrl-C to the whole process group', () => installation.ctrlC()],
  ])(
    '%s ends live sessions as drained; those that wait are served after the next start',
    async (_name, how) => {
      const live = [await installation.create(), await installation.create()];
      const client = await connectPuppeteer(live[0] ?? (await accept()));
      const waiting = [await accept(), await accept()];
      expect(waiting.map(({ status }) => status)).toEqual(['created', 'created']);
      await drained(how);
      expect(client.connected).toBe(false);

      await installation.restart();
      for (const { id } of live) {
        expect(await installation.read(id)).toMatchObject({ status: 'released', endReason: 'drained' });
      }
      for (const { id } of waiting) await installation.until(id, ({ status }) => status === 'live');
      await expectLegal([...live, ...waiting]);
    },
  );

  it('kill -9 of every process but the browsers leaves those alone: the next start adopts them', async () => {
    const session = await installation.create();
    const browsers = await installation.browsers();
    const roles = ['supervisor', 'redis', 'api', 'worker', 'keeper'] as const;
    const victims = await Promise.all(roles.map(role => installation.find(role)));
    for (const { pid } of victims) process.kill(pid, 'SIGKILL');
    await pollUntil('all of them to be dead', { timeoutMs: 5_000, everyMs: 10 }, async () =>
      (await Promise.all(victims.map(victim => isAlive(systemProcesses, victim)))).includes(true)
        ? undefined
        : true,
    );
    await installation.restart();
    await installation.until(
      session.id,
      ({ status, revision }) => status === 'live' && revision > session.revision,
    );
    expect(await installation.browsers()).toEqual(browsers);
    await expectLegal([session]);
  });
});

describe('a session that is being launched when the drain begins', () => {
  let browser: FakeBrowser;
  beforeEach(async () => (browser = await FakeBrowser.create('hangs')));
  afterEach(async () => {
    await installation.stop();
    await browser.remove();
  });

  it('is not waited for beyond the limit, and becomes live after the next start', async () => {
    await start({
      browser: 'chromium',
      env: { HOLDFAST_CHROMIUM_PATH: browser.path, HOLDFAST_ISOLATION: 'shared' },
    });
    const launching = await accept();
    await browser.untilHanging();
    await drained(() => installation.interrupt('SIGTERM'));
    await browser.setBehaviour('well');
    await installation.restart();
    await installation.until(launching.id, ({ status }) => status === 'live', 20_000);
    await expectLegal([launching]);
  });
});

describe('SIGTERM while Redis is away', () => {
  let redis: TestRedis;
  beforeEach(async () => (redis = await startRedis({ appendonly: true })));
  afterEach(async () => {
    await installation.stop();
    await redis.stop();
  });

  it('still ends every browser and exits with 0 in time; the sessions end at the next start', async () => {
    await start({ env: { REDIS_URL: redis.url } });
    const session = await installation.create();
    await redis.kill('SIGKILL');
    await drained(() => installation.interrupt('SIGTERM'));
    await redis.restart();
    await installation.restart();
    const ended = await installation.until(session.id, ({ endedAt }) => endedAt !== null);
    expect(ended).toMatchObject({ status: 'failed', endReason: 'worker_lost' });
    await expectLegal([session]);
  });
});

describe('kill -9 of everything at once, Redis included', () => {
  afterEach(() => installation.stop());

  it('loses no session: waiting ones become live, live ones end with a reason', async () => {
    await start({ env: { HOLDFAST_SLOTS: '3' } });
    const live = [await installation.create(), await installation.create(), await installation.create()];
    const released = live.pop() ?? (await accept());
    await installation.call('DELETE', `/v1/sessions/${released.id}`);
    live.push(await installation.create());
    const waiting = await Promise.all([accept(), accept(), accept()]);
    await installation.cutPower();

    await installation.restart();
    for (const { id } of [...live, ...waiting, released]) {
      expect((await installation.call('GET', `/v1/sessions/${id}`)).status).toBe(200);
    }
    for (const { id } of live) {
      const ended = await installation.until(id, ({ endedAt }) => endedAt !== null);
      expect(ended).toMatchObject({ status: 'failed', endReason: 'browser_crashed' });
    }
    for (const { id } of waiting) await installation.until(id, ({ status }) => status === 'live');
    expect(await installation.read(released.id)).toMatchObject({ endReason: 'released_by_client' });
    await expectLegal([...live, ...waiting, released]);
  });
});
