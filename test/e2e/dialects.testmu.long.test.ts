import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer';
import { Installation, type EventView, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

/* What the SDK does over the wire, byte for byte where it matters; its package cannot be installed here. */
describe('a client of TestMu AI', () => {
  const browsers: Browser[] = [];
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start({ browser: 'chromium', env: { HOLDFAST_SLOTS: '3' } });
  });
  afterAll(() => installation.stop());
  afterEach(async () => {
    for (const browser of browsers.splice(0)) await browser.disconnect();
    await installation.call('POST', '/v1/sessions/release');
  });

  const urlWith = (options: object): string => {
    const capabilities = {
      ...{ browserName: 'Chrome', browserVersion: 'latest' },
      'LT:Options': {
        ...{ platformName: 'Windows 10', project: 'browser-cloud', w3c: true },
        ...{ plugin: 'node-js-puppeteer', idleTimeout: 900, ...options },
      },
    };
    const { host } = new URL(installation.url);
    const query = encodeURIComponent(JSON.stringify(capabilities));
    return `ws://someone:access-key@${host}/testmu/puppeteer?capabilities=${query}`;
  };
  const connect = async (options: object = {}): Promise<Browser> => {
    const browser = await puppeteer.connect({ browserWSEndpoint: urlWith(options), defaultViewport: null });
    browsers.push(browser);
    return browser;
  };
  const newest = async (): Promise<SessionView> => {
    const { body } = await installation.call<{ sessions: SessionView[] }>('GET', '/v1/sessions?limit=1');
    const [session] = body.sessions;
    if (session === undefined) throw new Error('there is no session');
    return session;
  };
  const ended = ({ id }: SessionView, timeoutMs = 25_000): Promise<SessionView> =>
    pollUntil(`the end of ${id}`, { timeoutMs, everyMs: 50 }, async () => {
      // An API that was killed answers again soon.
      const answer = await installation.call('GET', `/v1/sessions/${id}`).catch(() => null);
      return answer?.status === 200 && answer.body.endedAt !== null ? answer.body : undefined;
    });
  const ends = async ({ id }: SessionView): Promise<readonly EventView[]> =>
    (await installation.history(id)).filter(({ to }) => to !== 'created' && to !== 'live');

  it('gets a browser with a page by connecting, finds it in the list, and ends it by closing it', async () => {
    const browser = await connect({ name: 'checkout', build: 'b7', resolution: '800x600' });
    const [page] = await browser.pages();
    await page?.goto('data:text/html,<title>here</title>');
    expect(await page?.title()).toBe('here');
    expect(await page?.evaluate('[innerWidth, innerHeight]')).toEqual([800, 600]);
    const session = await newest();
    const list = await installation.call('GET', '/testmu/automation/api/v1/sessions?limit=1');
    expect(list.body).toMatchObject({ data: [{ test_id: session.id, build_id: 'b7', name: 'checkout' }] });
    await browser.close();
    expect(await ended(session)).toMatchObject({ status: 'released', endReason: 'client_closed_browser' });
  });

  it('that drops its socket has its browser ended ten seconds later', async () => {
    const browser = await connect();
    const session = await newest();
    await browser.disconnect();
    const leftMs = Date.now();
    const after = await ended(session);
    expect(after).toMatchObject({ status: 'released', endReason: 'client_disconnected' });
    const afterMs = Date.parse(after.endedAt ?? '') - leftMs;
    expect(afterMs).toBeGreaterThan(9_500);
    expect(afterMs).toBeLessThan(scaled(12_000));
    expect(await ends(session)).toHaveLength(1);
  }, 60_000);

  it('has its session ended by its idle time-out in seconds, and by its hard one in milliseconds', async () => {
    await connect({ idleTimeout: 2 });
    const idle = await newest();
    await connect({ timeout: 2_500 });
    const limited = await newest();
    expect(await ended(idle)).toMatchObject({ status: 'timed_out', endReason: 'idle_timeout' });
    expect(await ended(limited)).toMatchObject({ status: 'timed_out', endReason: 'session_timeout' });
  }, 60_000);

  it('loses its sessions, live and waiting, soon after the API that carried it was killed', async () => {
    await connect();
    const live = await newest();
    await connect();
    await connect();
    // No slot is free for this one.
    const connecting = connect().catch(() => undefined);
    const waiting = await pollUntil('a waiting session', { timeoutMs: 5_000, everyMs: 20 }, async () => {
      const session = await newest();
      return session.status === 'created' ? session : undefined;
    });
    await installation.signal('api', 'SIGKILL');
    const killedMs = Date.now();
    await connecting;
    for (const session of [live, waiting]) {
      const after = await ended(session);
      expect(after).toMatchObject({ status: 'released', endReason: 'client_disconnected' });
      expect(Date.parse(after.endedAt ?? '') - killedMs).toBeLessThan(scaled(20_000));
      expect(await ends(session)).toHaveLength(1);
    }
  }, 90_000);

  describe('that starts a browser by itself', () => {
    interface Launched {
      readonly launcher: ChildProcess;
      readonly url: string;
      readonly exit: Promise<number | null>;
    }

    const launch = async (): Promise<Launched> => {
      const launcher = spawn(
        join(process.cwd(), 'bin/holdfast-testmu-launcher'),
        [
          ...['--headless=new', '--no-sandbox', '--window-size=640,480', '--remote-debugging-port=0'],
          ...['--user-data-dir=/tmp/testmu-chrome-1-2', 'about:blank'],
        ],
        {
          env: { ...process.env, HOLDFAST_URL: installation.url },
          stdio: ['ignore', 'ignore', 'pipe'],
          detached: true,
        },
      );
      const exit = once(launcher, 'exit').then(([code]) => code as number | null);
      let said = '';
      launcher.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const url = await pollUntil('the line of DevTools', { timeoutMs: 10_000, everyMs: 10 }, () => {
        if (launcher.exitCode !== null) throw new Error(`the launcher exited: ${said}`);
        return /^DevTools listening on (ws:\/\/\S+)$/m.exec(said)?.[1];
      });
      return { launcher, url, exit };
    };
    const attach = async (url: string): Promise<Browser> => {
      const browser = await puppeteer.connect({ browserWSEndpoint: url, defaultViewport: null });
      browsers.push(browser);
      return browser;
    };

    it('can use the launcher for Chrome: again and again, until it ends it with SIGTERM', async () => {
      const { launcher, url, exit } = await launch();
      for (let i = 0; i < 2; i += 1) {
        const browser = await attach(url);
        const [page] = await browser.pages();
        expect(await page?.evaluate('[innerWidth, innerHeight]')).toEqual([640, 480]);
        await browser.disconnect();
      }
      const session = await newest();
      expect(session.status).toBe('live');
      launcher.kill('SIGTERM');
      expect(await exit).toBe(0);
      expect(await ended(session)).toMatchObject({ endReason: 'released_by_client' });
    }, 60_000);

    it('sees the launcher exit when it has closed the browser, also if it ends it in this moment', async () => {
      const { launcher, url, exit } = await launch();
      const session = await newest();
      await (await attach(url)).close();
      launcher.kill('SIGTERM');
      expect(await exit).toBe(0);
      // Either of the two may be noticed first; neither is a failure.
      expect(await ended(session)).toMatchObject({ status: 'released', error: null });
    }, 60_000);

    it('sees the launcher exit when the service ends the session', async () => {
      const { exit } = await launch();
      const session = await newest();
      await installation.call('POST', `/v1/sessions/${session.id}/release`);
      expect(await exit).toBe(0);
    }, 60_000);
  });
});
