import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { Page } from 'puppeteer-core';
import { Browser, type Session } from '../../src/client/holdfast';
import { Installation } from '../support/installation';
import { pollUntil } from '../support/poll-until';

const SLOTS = 3;

describe('the client library', () => {
  let installation: Installation;
  let client: Browser;
  beforeAll(async () => {
    installation = await Installation.start({ browser: 'shell', env: { HOLDFAST_SLOTS: String(SLOTS) } });
    client = new Browser({ baseUrl: installation.url });
  });
  afterAll(() => installation.stop());
  afterEach(async () => {
    await client.sessions.releaseAll();
  });

  const firstPage = async (session: Session): Promise<Page> => {
    const browser = await client.puppeteer.connect(session);
    const [page] = await browser.pages();
    if (page === undefined) throw new Error('no page is open');
    return page;
  };

  describe('runs code that was written for other services, which', () => {
    it('creates with the options of those services, works, closes and releases', async () => {
      const session = await client.sessions.create({
        adapter: 'puppeteer',
        timeout: 600_000,
        lambdatestOptions: { build: 'nightly', 'LT:Options': { video: true } },
      });
      expect(session).toMatchObject({ status: 'live', timeout: 600_000 });
      try {
        const browser = await client.puppeteer.connect(session);
        const page = await browser.newPage();
        await page.goto('data:text/html,<title>work</title>');
        expect(await page.title()).toBe('work');
        await browser.close();
        await pollUntil('the session to end', { timeoutMs: 10_000, everyMs: 50 }, async () =>
          (await client.sessions.retrieve(session.id)).status === 'live' ? undefined : true,
        );
      } finally {
        await client.sessions.release(session.id);
      }
      expect(await client.sessions.retrieve(session.id)).toMatchObject({
        status: 'released',
        endReason: 'client_closed_browser',
      });
    });

    it('runs the examples of their pages with only the import changed', async () => {
      const script = join(resolve(__dirname, '../fixtures/client'), 'lifecycle-pages.mjs');
      const child = spawn(process.execPath, [script], {
        env: { ...process.env, HOLDFAST_URL: installation.url },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => void (output += chunk.toString()));
      expect(await once(child, 'close')).toEqual([0, null]);
      // SAFETY: the last line of the script is one object.
      const { last, ...seen } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { last: string };
      expect(seen).toEqual({
        created: ['live', 600_000],
        details: [1, true],
        viewer: [200, 'text/html; charset=utf-8'],
        released: 'released',
        title: 'work',
        afterWork: 'released',
        notAwaited: ['object', 'object'],
        response: 'released',
        message: 'All sessions released successfully',
      });
      expect(await client.sessions.retrieve(last)).toMatchObject({ endReason: 'released_by_bulk' });
    });

    it('reads a live session: pages and URLs', async () => {
      const session = await client.sessions.create();
      const page = await firstPage(session);
      await page.goto('data:text/html,<title>here</title>');
      const details = await client.sessions.liveDetails(session.id);
      expect(details.pages).toMatchObject([{ title: 'here', url: 'data:text/html,<title>here</title>' }]);
      expect(details.wsUrl).toBe(session.websocketUrl);
      expect(details.sessionViewerUrl).toBe(session.viewerUrl);
      await page.browser().disconnect();
    });

    it('releases everything with one call and reads its message', async () => {
      await client.sessions.create();
      const response = await client.sessions.releaseAll();
      expect(response.message).toBe('All sessions released successfully');
    });

    it('awaits neither its list nor its session, and does not crash', () => {
      const sessions = client.sessions.list();
      const session = client.sessions.retrieve('session_12345_abc');
      expect([sessions, session]).toEqual([expect.anything(), expect.any(Promise)]);
    });

    it('releases all in a handler of SIGINT', async () => {
      const { ids, end } = await startProcess('handler');
      expect(await end('SIGINT')).toEqual([0, null]);
      for (const id of ids) {
        expect(await client.sessions.retrieve(id)).toMatchObject({ endReason: 'released_by_bulk' });
      }
    });
  });

  it('at a signal releases the sessions that the process has made or is making, and then ends the process', async () => {
    const ofSomebodyElse = await client.sessions.create();
    const { ids, end } = await startProcess('own');
    expect(await end('SIGTERM')).toEqual([null, 'SIGTERM']);
    for (const id of ids) {
      expect(await client.sessions.retrieve(id)).toMatchObject({ endReason: 'released_by_client' });
    }
    const left: string[] = [];
    for await (const { id, endedAt } of client.sessions.list()) if (endedAt === null) left.push(id);
    expect(left).toEqual([ofSomebodyElse.id]);
  });

  it('connects Playwright, whose closing leaves the session live', async () => {
    const session = await client.sessions.create();
    const browser = await client.playwright.connect(session);
    const page = browser.contexts()[0]?.pages()[0];
    await page?.goto('data:text/html,<title>of Playwright</title>');
    await browser.close();
    const again = await firstPage(session);
    expect(await again.title()).toBe('of Playwright');
    await again.browser().disconnect();
  });

  it('keeps the size of the window, and its pages, over a reconnect', async () => {
    const session = await client.sessions.create();
    const page = await firstPage(session);
    const size = await page.evaluate('[innerWidth, outerWidth]');
    await page.evaluate('window.name = "mine"');
    await page.browser().disconnect();
    const again = await firstPage(session);
    expect(await again.evaluate('[innerWidth, outerWidth]')).toEqual(size);
    expect(await again.evaluate('window.name')).toBe('mine');
    await again.browser().disconnect();
  });

  it('gets a session by its id alone, and reports its end reason once it has ended', async () => {
    const { id, createdAt, websocketUrl } = await client.sessions.create({ labels: { task: 't' } });
    const elsewhere = new Browser({ baseUrl: installation.url });
    const found = await elsewhere.sessions.retrieve(id);
    expect(found).toMatchObject({ id, createdAt, websocketUrl, labels: { task: 't' }, status: 'live' });
    const browser = await elsewhere.puppeteer.connect(id);
    expect(browser.connected).toBe(true);
    await browser.disconnect();

    await client.sessions.release(id);
    const ended = { code: 'session_ended', sessionStatus: 'released', endReason: 'released_by_client' };
    await expect(elsewhere.puppeteer.connect(id)).rejects.toMatchObject(ended);
    // Also with the old session object: then the error explains the refused connection.
    await expect(elsewhere.puppeteer.connect(found)).rejects.toMatchObject(ended);
    await expect(elsewhere.playwright.connect(found)).rejects.toMatchObject(ended);
    expect(await elsewhere.sessions.retrieve(id)).toMatchObject({ status: 'released', websocketUrl: null });
  });

  it('makes exactly one session for each create while the API is killed', async () => {
    const persistent = new Browser({ baseUrl: installation.url, maxRetries: 8 });
    const creating = Promise.all(
      Array.from({ length: SLOTS }, async () => persistent.sessions.create({ labels: { of: 'storm' } })),
    );
    const killed = await installation.signal('api', 'SIGKILL');
    const made = await creating;
    await installation.replaced('api', killed);
    const found: string[] = [];
    for await (const { id } of client.sessions.list({ labelSelector: 'of=storm' })) found.push(id);
    expect(found.sort()).toEqual(made.map(({ id }) => id).sort());
  });

  /** Starts a process with two live sessions and one that waits for a slot. */
  async function startProcess(how: 'own' | 'handler'): Promise<{
    ids: string[];
    end(signal: NodeJS.Signals): Promise<unknown[]>;
  }> {
    const script = join(resolve(__dirname, '../fixtures/client'), 'until-signal.mjs');
    const child = spawn(process.execPath, [script, how], {
      env: { ...process.env, HOLDFAST_URL: installation.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => void (output += chunk.toString()));
    const ids = await pollUntil('the sessions of the process', { timeoutMs: 20_000, everyMs: 20 }, () =>
      output.includes('\n') ? output.trim().split(' ') : undefined,
    );
    return {
      ids,
      end: async signal => {
        const exited = once(child, 'exit');
        child.kill(signal);
        return exited;
      },
    };
  }
});
