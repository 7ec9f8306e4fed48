import { randomUUID } from 'node:crypto';
import puppeteer, { type Page } from 'puppeteer';
import { chromium } from 'playwright-core';
import Steel, { toFile } from 'steel-sdk';
import Steel07 from 'steel-sdk-0.7';
import Steel010 from 'steel-sdk-0.10';
import { Installation } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { startSteelSite, type SteelSite } from '../support/steel-site';

/* The product with Steel's own packages as they are, and the libraries that its users have. With a whole Chromium: the
 * headless shell downloads nothing in its own context, and leaves no sign of an orderly end. */

const KEY = 'steel-key';
const POLL = { timeoutMs: 10_000, everyMs: 50 };

let installation: Installation;
let site: SteelSite;
let options: { readonly baseURL: string; readonly steelAPIKey: string };
let client: Steel;
/** The same, which counts its requests. */
let counted: Steel;
let sent = 0;

beforeAll(async () => {
  site = await startSteelSite();
  installation = await Installation.start({ browser: 'chromium', env: { HOLDFAST_API_KEYS: `team=${KEY}` } });
  options = { baseURL: `${installation.url}/steel`, steelAPIKey: KEY };
  const counting: typeof fetch = (...asked) => {
    sent += 1;
    return fetch(...asked);
  };
  client = new Steel(options);
  // SAFETY: the SDK is made for the fetch of its platform, too.
  counted = new Steel({ ...options, fetch: counting as never });
});
afterEach(() => client.sessions.releaseAll());
afterAll(async () => {
  await installation.stop();
  await site.close();
});

/** Does something in the first page of a session, as the documents of Steel do it. */
async function inPage<T>(
  session: { readonly websocketUrl: string },
  work: (page: Page) => Promise<T>,
): Promise<T> {
  const browser = await puppeteer.connect({
    browserWSEndpoint: `${session.websocketUrl}&apiKey=${KEY}`,
    defaultViewport: null,
  });
  try {
    const [page = await browser.newPage()] = await browser.pages();
    return await work(page);
  } finally {
    await browser.disconnect();
  }
}

/** What a permanent error costs. */
async function failure(work: Promise<unknown>): Promise<{ status: number; requests: number }> {
  const before = sent;
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Steel.APIError);
  // SAFETY: it is one.
  return { status: (error as InstanceType<typeof Steel.APIError>).status ?? 0, requests: sent - before };
}

describe.each([
  ['0.18', Steel],
  ['0.10', Steel010],
  ['0.7', Steel07],
])('steel-sdk %s', (_version, Sdk) => {
  it('creates, connects Puppeteer and Playwright, and releases, also what has ended', async () => {
    // SAFETY: the calls of this test are the same in all versions.
    const steel = new Sdk(options) as unknown as Steel;
    const session = await steel.sessions.create();
    try {
      expect(session).toMatchObject({ status: 'live', timeout: 300_000 });
      expect(await inPage(session, async page => page.evaluate('1 + 1'))).toBe(2);
      const browser = await chromium.connectOverCDP(session.websocketUrl);
      const [page] = browser.contexts()[0]?.pages() ?? [];
      await page?.goto(site.url);
      expect(await page?.title()).toBe('start');
      await browser.close();
      expect((await steel.sessions.retrieve(session.id)).status).toBe('live');
      const details = await steel.sessions.liveDetails(session.id);
      expect(details.pages.map(({ title, url }) => [title, url])).toEqual([['start', site.url]]);
    } finally {
      expect((await steel.sessions.release(session.id)).success).toBe(true);
    }
    expect((await steel.sessions.release(session.id)).success).toBe(true);
    expect((await steel.sessions.retrieve(session.id)).status).toBe('released');
  });
});

describe("Steel's SDKs", () => {
  it('give the time-out that was asked for, but for that of old versions, which never send it', async () => {
    const asked = { timeout: 600_000 };
    expect((await client.sessions.create(asked)).timeout).toBe(600_000);
    expect((await new Steel010(options).sessions.create(asked)).timeout).toBe(600_000);
    const old = new Steel07(options);
    expect((await old.sessions.create(asked)).timeout).toBe(300_000);
    expect((await old.sessions.create({ ...asked, blockAds: true })).timeout).toBe(600_000);
    expect(await client.sessions.releaseAll()).toEqual({
      success: true,
      message: 'All sessions released successfully',
    });
  });

  it('list every live session once while each is released, and stop', async () => {
    const made = await Promise.all([1, 2, 3, 4].map(() => client.sessions.create()));
    const seen: string[] = [];
    for await (const { id } of client.sessions.list({ status: 'live', limit: 2 })) {
      seen.push(id);
      await client.sessions.release(id);
    }
    expect([...seen].sort()).toEqual(made.map(({ id }) => id).sort());
    const released: string[] = [];
    for await (const { id } of client.sessions.list({ status: 'released' })) released.push(id);
    expect(released).toEqual(expect.arrayContaining(seen));
  });

  it('release a session whose browser was closed, and one that has timed out', async () => {
    const closed = await client.sessions.create();
    const browser = await puppeteer.connect({ browserWSEndpoint: `${closed.websocketUrl}&apiKey=${KEY}` });
    await browser.close();
    const timed = await client.sessions.create({ timeout: 1_000 });
    for (const { id } of [closed, timed]) {
      await pollUntil('its end', POLL, async () =>
        (await client.sessions.retrieve(id)).status === 'released' ? true : undefined,
      );
      expect((await client.sessions.release(id)).success).toBe(true);
    }
  });

  it('ask once for what is refused for good', async () => {
    const sessionId = randomUUID();
    const { id } = await client.sessions.create({ sessionId });
    expect(id).toBe(sessionId);
    expect(await failure(counted.sessions.create({ sessionId }))).toEqual({ status: 409, requests: 1 });
    expect(await failure(counted.sessions.create({ useProxy: true }))).toEqual({ status: 422, requests: 1 });
    expect(await failure(counted.sessions.captchas.status(id))).toEqual({ status: 422, requests: 1 });
    expect(await failure(counted.extensions.list())).toEqual({ status: 422, requests: 1 });
    await client.sessions.release(id);
    expect(await failure(counted.sessions.liveDetails(id))).toEqual({ status: 409, requests: 1 });
    expect(await failure(counted.sessions.context(id))).toEqual({ status: 409, requests: 1 });
    expect(await failure(counted.sessions.computer(id, { action: 'take_screenshot' }))).toEqual({
      ...{ status: 409, requests: 1 },
    });
    expect(await failure(counted.sessions.retrieve(randomUUID()))).toEqual({ status: 404, requests: 1 });
  });

  it('act with mouse and keyboard, and look', async () => {
    const { id, websocketUrl } = await client.sessions.create({ dimensions: { width: 800, height: 600 } });
    const title = async (): Promise<string> =>
      (await client.sessions.liveDetails(id)).pages[0]?.title ?? 'no page';
    await inPage({ websocketUrl }, page => page.goto(site.url));
    const act = (
      action: Parameters<typeof client.sessions.computer>[1],
    ): ReturnType<typeof client.sessions.computer> => client.sessions.computer(id, action);
    const button = 'left';
    await act({ action: 'click_mouse', button, coordinates: [150, 125], hold_keys: ['Shift'] });
    expect(await title()).toBe('down 0 shift');
    await act({ action: 'move_mouse', coordinates: [140, 120] });
    expect(await act({ action: 'get_cursor_position' })).toEqual({ output: 'X=140,Y=120' });
    await act({ action: 'click_mouse', button, num_clicks: 2 });
    expect(await title()).toBe('bought');
    await act({ action: 'click_mouse', button, coordinates: [150, 215] });
    await act({ action: 'type_text', text: 'Größe 5 (XL)!' });
    await act({ action: 'press_key', keys: ['ctrl', 'a'] });
    await act({ action: 'press_key', keys: ['Delete'] });
    await act({ action: 'type_text', text: 'Größe 6\n' });
    expect(await title()).toBe('sent Größe 6');
    await act({ action: 'scroll', coordinates: [400, 400], delta_y: 500 });
    const { base64_image = '' } = await act({ action: 'wait', duration: 0.1, screenshot: true });
    const png = Buffer.from(base64_image, 'base64');
    expect([png.subarray(1, 4).toString(), png.readUInt32BE(16)]).toEqual(['PNG', 800]);
    await pollUntil('the page to scroll', POLL, async () =>
      (await inPage({ websocketUrl }, page => page.evaluate('scrollY'))) === 500 ? true : undefined,
    );
    await client.sessions.release(id);
  });

  it('bring files to a page and fetch what it downloads', async () => {
    const session = await client.sessions.create();
    const { id } = session;
    const files = client.sessions.files;
    const uploaded = await files.upload(id, { file: await toFile(Buffer.from('stock'), 'stock.csv') });
    await inPage(session, async page => {
      await page.goto(site.url);
      const cdp = await page.createCDPSession();
      const { root } = await cdp.send('DOM.getDocument');
      const { nodeId } = await cdp.send('DOM.querySelector', { nodeId: root.nodeId, selector: '#file' });
      await cdp.send('DOM.setFileInputFiles', { files: [uploaded.path], nodeId });
      await page.waitForFunction('document.title === "file stock"');
      await page.evaluate('get.click()');
      await pollUntil('the download', POLL, async () =>
        (await files.list(id)).data.some(({ path }) => path === 'report.csv') ? true : undefined,
      );
    });
    const listed = (await files.list(id)).data;
    const contents = await Promise.all(
      listed.map(async ({ path }) => (await files.download(id, path)).text()),
    );
    expect(contents.sort()).toEqual(['a,b', 'stock']);
    const zip = Buffer.from(await (await files.downloadArchive(id)).arrayBuffer());
    expect([zip.includes('report.csv'), zip.includes('stock.csv')]).toEqual([true, true]);
    await files.delete(id, 'report.csv');
    expect((await files.list(id)).data.map(({ path }) => path)).toEqual([uploaded.path]);
    await files.deleteAll(id);
    expect((await files.list(id)).data).toEqual([]);
    await client.sessions.release(id);
  });

  it('carry cookies and local storage to another session', async () => {
    const first = await client.sessions.create();
    await inPage(first, async page => {
      await page.goto(site.url);
      await page.evaluate('localStorage.setItem("cart", "3 things"); document.cookie = "login=yes"');
    });
    const sessionContext = await client.sessions.context(first.id);
    expect(sessionContext.localStorage).toEqual({ [new URL(site.url).origin]: { cart: '3 things' } });
    const second = await client.sessions.create({ sessionContext });
    const found = await inPage(second, async page => {
      await page.goto(site.url);
      return [await page.evaluate('localStorage.getItem("cart")'), await page.evaluate('document.cookie')];
    });
    expect(found).toEqual(['3 things', 'login=yes']);
    expect((await client.sessions.liveDetails(second.id)).pages).toHaveLength(1);
    const refused = { name: 'a;b', value: 'x', domain: 'shop.example' };
    expect(await failure(counted.sessions.create({ sessionContext: { cookies: [refused] } }))).toEqual({
      ...{ status: 422, requests: 1 },
    });
    await client.sessions.releaseAll();
  });

  it('keep a login in a profile, and read it after the end', async () => {
    const first = await client.sessions.create({ persistProfile: true });
    await inPage(first, async page => {
      await page.goto(site.url);
      await page.evaluate('localStorage.setItem("cart", "4 things")');
    });
    await client.sessions.release(first.id);
    const left = await client.sessions.context(first.id);
    expect(left.localStorage).toEqual({ [new URL(site.url).origin]: { cart: '4 things' } });
    const { profileId = '' } = first;
    const second = await client.sessions.create({ profileId });
    const cart = await inPage(second, async page => {
      await page.goto(site.url);
      return page.evaluate('localStorage.getItem("cart")');
    });
    expect(cart).toBe('4 things');
    expect((await client.profiles.list()).profiles.map(({ id }) => id)).toContain(profileId);
    await client.sessions.release(second.id);
  });

  it('scrape, picture and print a page, and leave no session', async () => {
    const format: ('html' | 'markdown' | 'cleaned_html')[] = ['html', 'markdown', 'cleaned_html'];
    const scraped = await client.scrape({ url: site.url, format, screenshot: true });
    expect(scraped.metadata).toMatchObject({
      statusCode: 200,
      title: 'start',
      description: 'A shop',
      language: 'en',
    });
    expect(scraped.links).toContainEqual({ url: `${site.url}next`, text: 'next' });
    expect(scraped.content.html).toContain('window.hidden');
    expect(scraped.content.cleaned_html).not.toContain('window.hidden');
    expect(scraped.content.markdown).toContain('# Shop\n\nCheap **things**\n\n- one\n- two');
    const { url: picture } = await client.screenshot({ url: site.url, fullPage: true });
    const { url: pdf } = await client.pdf({ url: site.url, delay: 10 });
    for (const [url, head] of [
      [scraped.screenshot?.url ?? '', '\x89PNG'],
      [picture, '\x89PNG'],
      [pdf, '%PDF'],
    ] as const) {
      const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
      expect(bytes.subarray(0, 4).toString('latin1')).toBe(head);
    }
    expect(await failure(counted.scrape({ url: 'http://127.0.0.1:1/' }))).toEqual({
      status: 422,
      requests: 1,
    });
    expect((await client.sessions.list({ status: 'live' })).sessions).toEqual([]);
  });
});
