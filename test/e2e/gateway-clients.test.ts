import { once } from 'node:events';
import { chromium, type Browser as PlaywrightBrowser } from 'playwright-core';
import { connect, type Browser } from 'puppeteer';
import { sendSignal } from '../../src/core/process-identity';
import { connectPuppeteer, leaveMark, readMark, withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { within } from '../support/poll-until';
import { tryUpgrade, open } from '../support/upgrade';

/* The promises of the gateway to its clients, tested with the libraries that users have and a real browser. */

let installation: Installation;
beforeAll(async () => (installation = await Installation.start({ browser: 'shell' })));
afterAll(() => installation.stop());

let session: SessionView;
beforeEach(async () => (session = await installation.create()));
afterEach(() => installation.call('DELETE', `/v1/sessions/${session.id}`));

const urlOf = ({ websocketUrl }: SessionView): string => {
  if (websocketUrl === null) throw new Error('the session has no websocketUrl');
  return websocketUrl;
};

async function withPlaywright<T>(work: (browser: PlaywrightBrowser) => Promise<T>): Promise<T> {
  const browser = await chromium.connectOverCDP(urlOf(session));
  try {
    return await work(browser);
  } finally {
    await browser.close(); // for a browser that Playwright has connected to, this only disconnects
  }
}

/** Title of the page that every client of the session sees. */
const titleByPlaywright = (): Promise<string> =>
  withPlaywright(async browser => (await browser.contexts()[0]?.pages()[0]?.title()) ?? '');

const titleByPuppeteer = (): Promise<string> => withPuppeteer(session, page => page.title());

test('Puppeteer and Playwright share a session, at once and one after another', async () => {
  await withPuppeteer(session, page => page.goto('data:text/html,<title>shared</title>'));
  const titles = await Promise.all([
    titleByPuppeteer(),
    titleByPlaywright(),
    titleByPuppeteer(),
    titleByPlaywright(),
  ]);
  expect(titles).toEqual(['shared', 'shared', 'shared', 'shared']);
  for (let round = 0; round < 3; round += 1) expect(await titleByPlaywright()).toBe('shared');
  expect((await installation.read(session.id)).status).toBe('live');
});

test('a client that stays connected does not notice that the worker is replaced', async () => {
  const browser = await connectPuppeteer(session);
  const [page] = await browser.pages();
  await page?.evaluate('window.count = 1');
  const killed = await installation.signal('worker', 'SIGKILL');
  expect(await page?.evaluate('window.count += 1')).toBe(2);
  await installation.replaced('worker', killed);
  await installation.until(session.id, ({ revision }) => revision > session.revision);
  expect(await page?.evaluate('window.count += 1')).toBe(3);
  expect(browser.connected).toBe(true);
  await browser.disconnect();
  expect(await withPuppeteer(session, again => again.evaluate('window.count'))).toBe(3);
  expect(await withPlaywright(again => Promise.resolve(again.isConnected()))).toBe(true);
});

describe('with the worker frozen', () => {
  let thaw: () => void;

  // The keeper is frozen first, because it would replace a worker that is silent for three seconds.
  beforeEach(async () => {
    const frozen = [
      await installation.signal('keeper', 'SIGSTOP'),
      await installation.signal('worker', 'SIGSTOP'),
    ];
    thaw = () => frozen.reverse().forEach(({ pid }) => sendSignal(pid, 'SIGCONT'));
  });
  afterEach(() => thaw());

  const promptly = <T>(what: string, work: Promise<T>): Promise<T> => within(what, 5_000, work);

  it('pages, popups, frames and workers of a client open as always', async () => {
    const browser = await promptly('connecting', connectPuppeteer(session));
    try {
      const page = await promptly('a new page', browser.newPage());
      const popup = new Promise(resolve => page.once('popup', resolve));
      await promptly('window.open', page.evaluate('void window.open("about:blank")'));
      expect(await promptly('the popup', popup)).not.toBeNull();
      const answer = await promptly('a worker', page.evaluate(answerOfWorker));
      expect(answer).toBe('from the worker');
      await promptly('a frame', page.setContent('<iframe srcdoc="<title>in</title>"></iframe>'));
      expect(page.frames()).toHaveLength(2);
    } finally {
      await browser.disconnect();
    }
  });

  it('Playwright connects, opens a context of its own and a page in it', async () => {
    const title = await promptly(
      'Playwright',
      withPlaywright(async browser => {
        const context = await browser.newContext();
        const page = await context.newPage();
        await page.goto('data:text/html,<title>own</title>');
        return page.title();
      }),
    );
    expect(title).toBe('own');
  });
});

const answerOfWorker = `new Promise(resolve => {
  const source = URL.createObjectURL(new Blob(['postMessage("from the worker")']));
  new Worker(source).onmessage = ({ data }) => resolve(data);
})`;

test('five megabytes pass unchanged in each direction', async () => {
  const size = 5 * 2 ** 20;
  const [received, sent] = await withPuppeteer(session, async page => [
    await page.evaluate(`'ä'.repeat(${size / 2})`),
    await page.evaluate((text: string) => text.length, 'x'.repeat(size)),
  ]);
  expect(received === 'ä'.repeat(size / 2)).toBe(true);
  expect(sent).toBe(size);
});

describe('a client that asks for an upgrade', () => {
  it('gets 401 with a wrong token, 404 for an unknown session, and 409 for one that has ended', async () => {
    const url = urlOf(session);
    expect(await tryUpgrade(`${url}x`)).toEqual({ status: 401, code: 'unauthorized' });
    const unknown = new URL(url);
    unknown.search = '';
    unknown.pathname = '/v1/sessions/unknown/cdp';
    expect(await tryUpgrade(unknown.href)).toEqual({ status: 404, code: 'session_not_found' });
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
    expect(await tryUpgrade(url)).toEqual({ status: 409, code: 'session_ended' });
  });
});

describe('a client that is given an HTTP address', () => {
  const httpUrlOf = (view: SessionView): string => urlOf(view).replace(/^ws/, 'http');

  it('connects: Playwright asks for the version there, with the query of the address', async () => {
    const browser = await chromium.connectOverCDP(httpUrlOf(session));
    expect(browser.contexts()[0]?.pages()).toHaveLength(1);
    expect(browser.version()).toMatch(/^\d+\./);
    await browser.close();
  });

  it('can drive one page alone, through its own WebSocket', async () => {
    await withPuppeteer(session, page => page.goto('data:text/html,<title>alone</title>'));
    const { pathname, search } = new URL(urlOf(session));
    const list = await installation.call<{ title: string; webSocketDebuggerUrl: string }[]>(
      'GET',
      `${pathname}/json/list${search}`,
    );
    expect(list.body).toMatchObject([{ type: 'page', title: 'alone' }]);
    const socket = await open(list.body[0]?.webSocketDebuggerUrl ?? '');
    socket.send(
      JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'document.title' } }),
    );
    expect(String((await once(socket, 'message'))[0])).toContain('"value":"alone"');
    socket.terminate();
    const { body } = await installation.call<{ domains: object[] }>(
      'GET',
      `${pathname}/json/protocol${search}`,
    );
    expect(body.domains.length).toBeGreaterThan(10);
  });
});

describe('on an installation with keys a client', () => {
  let guarded: Installation;
  let url: string;
  const headers = { authorization: 'Bearer a-key-of-acme' };
  beforeAll(async () => {
    const env = { HOLDFAST_API_KEYS: 'acme=a-key-of-acme' };
    guarded = await Installation.start({ browser: 'shell', env });
    url = urlOf((await guarded.call('POST', '/v1/sessions', {}, headers)).body);
  });
  afterAll(() => guarded.stop());

  it('gets 401 with a wrong or missing token', async () => {
    const token = new URL(url).searchParams.get('token') ?? '';
    const wrong = [`?token=${token.slice(0, -1)}`, `?token=${token.replace('acme', 'other')}`];
    for (const query of ['', '?token=', ...wrong]) {
      expect(await tryUpgrade(url.replace(/\?.*/, query))).toEqual({ status: 401, code: 'unauthorized' });
    }
  });

  it('may send an API key in a header instead of the token, as over HTTP', async () => {
    const bare = url.replace(/\?.*/, '');
    const playwright = await chromium.connectOverCDP(bare.replace(/^ws/, 'http'), { headers });
    expect(playwright.contexts()).toHaveLength(1);
    await playwright.close();
    const puppeteer = await connect({ browserWSEndpoint: bare, headers });
    expect(await puppeteer.pages()).toHaveLength(1);
    await puppeteer.disconnect();
  });
});

test('every socket of a session is closed within a second of its end', async () => {
  const url = urlOf(session);
  const puppeteer = await connectPuppeteer(session);
  const playwright = await chromium.connectOverCDP(url);
  const bare = await open(url);
  const closed = Promise.all([
    disconnected(puppeteer),
    new Promise(resolve => playwright.once('disconnected', resolve)),
    once(bare, 'close'),
  ]);
  const release = [
    'POST',
    `/v1/sessions/${session.id}/release`,
    undefined,
    { prefer: 'respond-async' },
  ] as const;
  expect((await installation.call(...release)).body.status).toBe('released');
  await within('the sockets to be closed', 1_000, closed);
  await playwright.close();
});

test('a hundred clients come and go, and the session is unchanged', async () => {
  await leaveMark(session, 'still here');
  const clients = await Promise.all(Array.from({ length: 100 }, () => open(urlOf(session))));
  await Promise.all(
    clients.map(async client => {
      const closed = once(client, 'close');
      client.terminate();
      await closed;
    }),
  );
  expect(await readMark(session)).toBe('still here');
  expect((await installation.history(session.id)).map(({ event }) => event)).toEqual([
    'created',
    'claim',
    'browser_ready',
  ]);
});

function disconnected(browser: Browser): Promise<void> {
  return new Promise(resolve => browser.once('disconnected', () => resolve()));
}
