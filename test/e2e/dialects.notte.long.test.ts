import {
  client as rawClient,
  listAgents,
  listSessions,
  NotteClient,
  pageScreenshot,
  profileCreate,
  profileList,
  sessionDebugInfo,
  sessionNetworkLogs,
  sessionOffset,
  sessionStart,
  sessionStatus,
  sessionStop,
  type Session,
} from 'notte-sdk';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer';
import { systemClock } from '../../src/core/clock';
import { Installation } from '../support/installation';
import { pollUntil } from '../support/poll-until';

const KEY = 'secret-of-acme';

/* A page on which every action shows what it has done. */
const PAGE = `data:text/html,${encodeURIComponent(`<!doctype html><title>Form</title>
  <main><h1>Order</h1><input id=name value=old><input id=agree type=checkbox>
  <select id=size><option>S<option>L</select><button id=go>Send order</button><p id=said></p>
  <img alt="A tea pot" src="data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="></main>
  <div style="height:5000px"></div><footer>far below</footer>
  <script>
    const say = text => (said.textContent += text + ';');
    go.onclick = () => say(name_().value + ',' + agree.checked + ',' + size.value);
    const name_ = () => document.getElementById('name');
    name_().onkeydown = event => { if (event.key === 'Enter') say('entered'); };
  </script>`)}`;

/** The message of what a client throws. */
const failure = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing',
    // SAFETY: errors and the error events of WebSockets have one.
    (error: unknown) => (error as { message: string }).message,
  );

describe("Notte's Node client as it is", () => {
  let installation: Installation;
  let notte: NotteClient;

  beforeAll(async () => {
    installation = await Installation.start({
      browser: 'shell',
      // The pages of this test are on this machine, which browsers of several tenants reach only if they may.
      env: { HOLDFAST_API_KEYS: `acme=${KEY},other=another-key`, HOLDFAST_EGRESS: 'open' },
    });
    notte = new NotteClient({ apiKey: KEY, baseUrl: `${installation.url}/notte` });
  });
  afterAll(() => installation.stop());

  async function started(options: Parameters<NotteClient['Session']>[0] = {}): Promise<{
    session: Session;
    id: string;
    cdpUrl: string;
  }> {
    const session = notte.Session(options);
    await session.start();
    return { session, id: session.getId() ?? '', cdpUrl: session.getResponse()?.cdp_url ?? '' };
  }

  it('starts, reads, lists and stops sessions', async () => {
    const { session, id } = await started({
      ...{ idle_timeout_minutes: 10, max_duration_minutes: 20 },
      ...{ viewport_width: 1_000, viewport_height: 700 },
    });
    expect(await session.status()).toMatchObject({
      ...{ session_id: id, status: 'active', idle_timeout_minutes: 10, max_duration_minutes: 20 },
      ...{ viewport_width: 1_000, viewport_height: 700, closed_at: null },
    });
    const { data } = await listSessions({
      client: notte.getClient(),
      query: { page: 1, page_size: 5, only_active: true, only_current_token: true },
    });
    expect(data?.items.map(({ session_id }) => session_id)).toEqual([id]);
    await session.stop();
    await session.stop();
    expect(session.getResponse()).toMatchObject({ session_id: id, status: 'closed' });
    const path = { session_id: id };
    expect((await sessionStop({ client: notte.getClient(), path })).data?.status).toBe('closed');
    const after = await sessionStatus({ client: notte.getClient(), path });
    expect(after.data).toMatchObject({ status: 'closed', cdp_url: null });
    expect((await listAgents({ client: notte.getClient() })).data).toMatchObject({ items: [] });
  });

  it('takes the options of its README, and stops the session at the end of `use`', async () => {
    // SAFETY: the README passes it so, though its own types do not have it.
    const options = { timeoutMinutes: 30 } as Parameters<NotteClient['Session']>[0];
    const status = await notte.Session(options).use(session => session.status());
    expect(status).toMatchObject({ status: 'active', timeout_minutes: 30, max_duration_minutes: 30 });
    const path = { session_id: status.session_id };
    expect((await sessionStatus({ client: notte.getClient(), path })).data?.status).toBe('closed');
  });

  it('says what is wrong', async () => {
    const wrong = await failure(notte.Session({ idle_timeout_minutes: 31 }).start());
    expect(wrong).toContain('idle_timeout_minutes');
    const unknown = await sessionStatus({ client: notte.getClient(), path: { session_id: 'nobody' } });
    expect(unknown.error).toMatchObject({ status: 404, message: 'There is no such session.' });
    const { session } = await started();
    expect(await failure(session.observe())).toContain('session.observe() is not supported here');
    expect(await failure(session.replay())).toContain('session.replay() is not supported here');
    expect(await failure(session.scrape({ instructions: 'Extract prices' }))).toContain('not_supported');
    await session.stop();
  });

  it('needs a key, also if it sends that it has none', async () => {
    // It has one HTTP client for all: the next test sets it right again.
    const keyless = new NotteClient({ baseUrl: `${installation.url}/notte` });
    expect(await failure(keyless.Session().start())).toContain('Authentication failed');
    notte = new NotteClient({ apiKey: KEY, baseUrl: `${installation.url}/notte` });
  });

  it('hands out URLs at which Puppeteer and Playwright find a page, one after the other', async () => {
    const { session, id, cdpUrl } = await started();
    const browser = await puppeteer.connect({ browserWSEndpoint: cdpUrl, defaultViewport: null });
    const [page] = await browser.pages();
    await page?.goto('data:text/html,<title>Kept</title>');
    await browser.disconnect();

    const again = await chromium.connectOverCDP(cdpUrl);
    const [context] = again.contexts();
    expect(again.contexts()).toHaveLength(1);
    expect(context?.pages()).toHaveLength(1);
    expect(await context?.pages()[0]?.title()).toBe('Kept');
    await again.close();

    const { data } = await sessionDebugInfo({ client: notte.getClient(), path: { session_id: id } });
    expect(data?.ws.cdp).toBe(cdpUrl);
    expect(data?.tabs[0]?.metadata).toMatchObject({ tab_id: 0, title: 'Kept' });
    const raw = await sessionOffset({ client: notte.getClient(), path: { session_id: id } });
    expect(raw.data).toEqual({ offset: 0 });
    const logs = await sessionNetworkLogs({ client: notte.getClient(), path: { session_id: id } });
    expect(logs.data?.batches).toEqual([]);
    expect((await session.status()).status).toBe('active');
    await session.stop();
    expect(await failure(puppeteer.connect({ browserWSEndpoint: cdpUrl }))).toContain('409');
  });

  it('sets and reads cookies', async () => {
    const { session } = await started();
    const base = { value: 'v', path: '/', secure: true };
    const ofHost = { ...base, name: 'host', domain: 'shop.example', httpOnly: true };
    const ofDomain = { ...base, name: 'domain', domain: '.shop.example', httpOnly: false };
    // Chromium keeps no cookie longer than 400 days.
    const expires = Math.floor(systemClock.nowMs() / 1_000) + 86_400;
    const all = [
      { ...ofHost, sameSite: 'Lax' as const },
      { ...ofDomain, expirationDate: expires, partitionKey: null },
      { ...ofDomain, name: 'parted', partitionKey: 'https://top.example', sameSite: 'None' as const },
    ];
    expect(await session.setCookies(all)).toMatchObject({ success: true, message: 'Set 3 cookies' });
    const gone = { ...ofHost, name: 'gone', expires: 1_000 };
    const some = await session.setCookies([gone, { ...ofHost, expires: -1 }]);
    expect(some).toMatchObject({ success: true, message: 'Set 1 cookies; 1 had expired' });
    expect(await session.setCookies([])).toMatchObject({ success: true });
    const cookies = await session.getCookies();
    expect([...cookies].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      {
        ...{ ...ofDomain, sameSite: null, storeId: null, partitionKey: null, session: false },
        ...{ hostOnly: false, expires, expirationDate: expires },
      },
      {
        ...{ ...ofHost, sameSite: null, storeId: null, partitionKey: null, session: true },
        ...{ hostOnly: true, expires: -1, expirationDate: null },
      },
      {
        ...{ ...ofDomain, name: 'parted', sameSite: 'None', storeId: null, session: true },
        ...{ hostOnly: false, expires: -1, expirationDate: null, partitionKey: 'https://top.example' },
      },
    ]);
    expect(await session.setCookies(cookies)).toMatchObject({ message: 'Set 3 cookies' });
    await session.stop();
  });

  it('keeps a login in a profile, whose cookies can be read after the end', async () => {
    const client = notte.getClient();
    const { data } = await profileCreate({ client, body: { name: 'logins' } });
    const profile = { id: data?.profile_id ?? '', persist: true };
    expect((await profileList({ client })).data?.items).toMatchObject([{ profile_id: profile.id }]);
    const login = { name: 'login', value: 'alice', domain: 'shop.example', path: '/', httpOnly: true };
    const first = await started({ profile });
    await first.session.setCookies([login]);
    await first.session.stop();
    const path = `${installation.url}/notte/sessions/${first.id}/cookies`;
    const headers = { authorization: `Bearer ${KEY}` };
    const saved: unknown = await (await fetch(path, { headers })).json();
    expect(saved).toMatchObject({ cookies: [{ ...login, session: true, partitionKey: null }] });

    const second = await started({ profile: { id: profile.id } });
    expect(await second.session.getCookies()).toMatchObject([login]);
    await second.session.stop();
    const nothing = await fetch(`${installation.url}/notte/sessions/${second.id}/cookies`, { headers });
    expect(nothing.status).toBe(409);
    expect(await nothing.json()).toMatchObject({ error: 'session_ended', status: 409 });
  });

  it('acts on a page', async () => {
    const { session } = await started();
    const selector = (css: string): object => ({
      ...{ css_selector: '', xpath_selector: '', in_iframe: false, in_shadow_root: false },
      ...{
        playwright_selector: css,
        iframe_parent_css_selectors: [],
        notte_selector: '',
        python_selector: '',
      },
    });
    const page = async (): Promise<string> => String(await session.scrape({ only_main_content: true }));
    const act = async (action: object): Promise<string> => {
      // SAFETY: the actions are written as Python's client sends them, which is what the types describe.
      const { success, message } = await session.execute(action as Parameters<Session['execute']>[0], false);
      return success ? 'done' : message;
    };
    expect(await act({ type: 'goto', url: PAGE })).toBe('done');
    expect(await act({ type: 'fill', selector: '#name', value: 'new' })).toBe('done');
    expect(await act({ type: 'check', id: '', selector: selector('#agree'), value: true })).toBe('done');
    expect(await act({ type: 'select_dropdown_option', selector: 'css=#size', value: 'L' })).toBe('done');
    expect(await act({ type: 'click', selector: 'internal:text="Send order"i' })).toBe('done');
    expect(await page()).toContain('new,true,L;');
    expect(await act({ type: 'fallback_fill', selector: '//input[@id="name"]', value: 'er' })).toBe('done');
    expect(await act({ type: 'check', selector: '#agree', value: false })).toBe('done');
    expect(await act({ type: 'click', selector: '#go', timeout: 0 })).toBe('done');
    const again = {
      type: 'fill',
      selector: '#name',
      value: '!',
      clear_before_fill: false,
      press_enter: true,
    };
    expect(await act(again)).toBe('done');
    expect(await page()).toContain('newer,false,L;entered;');
    expect(await act({ type: 'scroll_down' })).toBe('done');
    expect(await act({ type: 'scroll_up', amount: 10_000 })).toBe('done');
    expect(await act({ type: 'scroll_up', amount: 100 })).toContain('cannot be scrolled up');
    expect(await act({ type: 'wait', time_ms: 10 })).toBe('done');
    expect(await act({ type: 'press_key', key: 'Tab' })).toBe('done');
    expect(await act({ type: 'go_forward' })).toContain('History entry');
    expect(await act({ type: 'reload' })).toBe('done');
    expect(await page()).not.toContain('newer');
    expect(await act({ type: 'goto', url: 'data:text/html,two' })).toBe('done');
    expect(await act({ type: 'go_back' })).toBe('done');
    expect(await page()).toContain('Order');
    const nothing = await act({ type: 'click', selector: '#nothing', timeout: 200 });
    expect(nothing).toContain('nothing matches #nothing');
    expect(await failure(session.execute({ type: 'click', selector: '#(', timeout: 500 }))).toContain(
      'selector',
    );
    await session.stop();
  });

  it('reads pages as text, images and pictures', async () => {
    const { session, id } = await started();
    const done = await session.execute({ type: 'goto', url: PAGE });
    expect(done).toMatchObject({ success: true, action: { type: 'goto', url: PAGE }, exception: null });
    expect(await session.scrape()).toContain('far below');
    expect(await session.scrape({ only_main_content: true })).not.toContain('far below');
    expect(await session.scrape({ selector: 'h1' })).toBe('Order');
    expect(await session.scrape({ only_images: true })).toMatchObject([{ description: 'A tea pot' }]);
    const scraped = await session.execute({ type: 'scrape', selector: 'h1' });
    expect(scraped.data).toMatchObject({ markdown: 'Order', structured: null });
    expect(await failure(session.scrape({ selector: '#(' }))).toContain('selector');
    const { data } = await pageScreenshot({ client: notte.getClient(), path: { session_id: id } });
    // SAFETY: the client makes a blob of an answer that is an image.
    const picture = Buffer.from(await (data as Blob).arrayBuffer());
    expect(picture.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
    await session.stop();
  });

  it('is not needed at the URL where a connection is a session', async () => {
    const url = `${installation.url.replace('http', 'ws')}/notte/sessions/connect?token=${KEY}`;
    const browser = await puppeteer.connect({ browserWSEndpoint: url, defaultViewport: null });
    const [page] = await browser.pages();
    await page?.goto('data:text/html,<title>Mine</title>');
    expect(await page?.title()).toBe('Mine');
    const other = await chromium.connectOverCDP(url);
    expect(other.contexts()[0]?.pages()).toHaveLength(1);
    const ids = async (): Promise<string[]> =>
      ((await listSessions({ client: notte.getClient() })).data?.items ?? []).map(one => one.session_id);
    expect(await ids()).toHaveLength(2);
    await browser.close();
    await other.close();
    await pollUntil('the end of both sessions', { timeoutMs: 13_000, everyMs: 100 }, async () =>
      (await ids()).length === 0 ? true : undefined,
    );
  });

  it('keeps a session in use by page calls', async () => {
    const created = await installation.call<{ id: string }>(
      'POST',
      '/v1/sessions',
      { idleTimeout: 1_000 },
      { authorization: `Bearer ${KEY}` },
    );
    const path = `${installation.url}/notte/sessions/${created.body.id}`;
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ type: 'wait', time_ms: 2_500 });
    const waited = await fetch(`${path}/page/execute`, { method: 'POST', headers, body });
    expect(await waited.json()).toMatchObject({ success: true });
    await pollUntil('the idle time-out', { timeoutMs: 5_000, everyMs: 50 }, async () => {
      // SAFETY: the answer of the status; a wrong one fails the test.
      const { status } = (await (await fetch(path, { headers })).json()) as { status: string };
      return status === 'timed_out' ? true : undefined;
    });
  });

  it('works through its exported functions and raw client', async () => {
    rawClient.setConfig({ baseUrl: `${installation.url}/notte` });
    const headers = { authorization: `Bearer ${KEY}` };
    const { data, response } = await sessionStart({ client: rawClient, body: {}, headers });
    expect(response.status).toBe(200);
    const path = { session_id: data?.session_id ?? '' };
    expect((await sessionStop({ client: rawClient, path, headers })).data?.status).toBe('closed');
  });
});
