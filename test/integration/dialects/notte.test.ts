import { WebSocket } from 'ws';
import { once } from 'node:events';
import { startTestApi, type Answer, type CallOptions, type TestApi } from '../../support/api';
import { pollUntil } from '../../support/poll-until';
import { sendRaw } from '../../support/raw-http';
import { scaled } from '../../support/slowdown';

let api: TestApi;
beforeAll(
  async () =>
    (api = await startTestApi({
      apiKeys: [
        { tenant: 'a', key: 'key-a' },
        { tenant: 'b', key: 'key-b' },
      ],
    })),
);
afterAll(() => api.stop());

const A = { authorization: 'Bearer key-a' };
const B = { authorization: 'Bearer key-b' };

/* What Python's client 1.4.4 sends, byte for byte. */
const PYTHON_HEADERS = {
  ...A,
  'x-notte-sdk-version': '1.4.4.dev',
  'x-notte-request-origin': 'sdk-python',
};
const PYTHON_START =
  '{"headless":true,"solve_captchas":true,"max_duration_minutes":15,"idle_timeout_minutes":10,"proxies":false,' +
  '"browser_type":"chromium","viewport_width":1920,"viewport_height":1080,"use_file_storage":true,' +
  '"screenshot_type":"last_action","web_bot_auth":false,"auth_ids":[],"wait_for_authentication":true}';

interface Started {
  readonly session_id: string;
  readonly cdp_url: string;
}

const call = (method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
  api.call(method, `/notte${path}`, { headers: A, ...options });

async function start(body: unknown = {}, headers: Record<string, string> = A): Promise<Started> {
  const answer = await call('POST', '/sessions/start', { body, headers });
  expect(answer).toMatchObject({ status: 200, body: { status: 'active' } });
  // SAFETY: a 200 carries a session.
  return answer.body as unknown as Started;
}

async function startedWith(body: unknown): Promise<Record<string, unknown>> {
  const { session_id: id } = await start(body);
  return (await call('GET', `/sessions/${id}`)).body;
}

const idsIn = ({ body }: Answer): string[] =>
  // SAFETY: the answer of a list; a wrong one fails the test.
  (body as unknown as { items: Started[] }).items.map(({ session_id: id }) => id);

const stopAll = (): Promise<Answer> => api.call('POST', '/v1/sessions/release', { headers: A });

describe("Notte's sessions", () => {
  it('start with what the Python client sends, and have every field that it reads', async () => {
    const headers = { ...PYTHON_HEADERS, 'content-type': 'application/json' };
    const started = await call('POST', '/sessions/start', { text: PYTHON_START, headers });
    expect(started.status).toBe(200);
    const { body } = await call('GET', `/sessions/${String(started.body['session_id'])}`, {
      headers: PYTHON_HEADERS,
    });
    const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
    const url: unknown = expect.stringMatching(/^ws:\/\/[^/]+\/v1\/sessions\/[^/]+\/cdp\?token=./);
    expect(body).toEqual({
      session_id: started.body['session_id'],
      status: 'active',
      idle_timeout_minutes: 10,
      timeout_minutes: 10,
      max_duration_minutes: 15,
      created_at: time,
      last_accessed_at: time,
      closed_at: null,
      duration: expect.stringMatching(/^PT\d+(\.\d+)?S$/) as unknown,
      error: null,
      proxies: false,
      headless: true,
      user_agent: null,
      viewport_width: 1_920,
      viewport_height: 1_080,
      cdp_url: url,
      viewer_url: body['viewer_url'],
      steps: [],
      browser_type: 'chromium',
      use_file_storage: false,
      network_request_bytes: 0,
      network_response_bytes: 0,
      solve_captchas: false,
      web_bot_auth: false,
      auth_ids: [],
      system_hidden: false,
    });
  });

  it('are read, listed and stopped by requests as Python sends them', async () => {
    const { session_id: id } = await start();
    const headers = Object.entries({
      'User-Agent': 'python-requests/2.32.5',
      'Accept-Encoding': 'gzip, deflate',
      Accept: '*/*',
      Connection: 'keep-alive',
      Authorization: 'Bearer key-a',
      'x-notte-sdk-version': '1.4.4.dev',
      'x-notte-request-origin': 'sdk-python',
    });
    const ask = async (method: string, path: string): Promise<unknown> => {
      const length = method === 'DELETE' ? [['Content-Length', '0'] as const] : [];
      const { status, text } = await sendRaw(api.url, { method, path, headers: [...headers, ...length] });
      expect(status).toBe(200);
      return JSON.parse(text) as unknown;
    };
    expect(await ask('GET', `/notte/sessions/${id}`)).toMatchObject({ session_id: id, status: 'active' });
    const list = await ask('GET', '/notte/sessions/?only_active=True&page_size=10&page=1');
    expect(list).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ session_id: id })]) as unknown,
    });
    expect(
      await ask('GET', '/notte/agents/?only_active=True&page_size=10&page=1&only_saved=False'),
    ).toMatchObject({
      items: [],
    });
    for (let i = 0; i < 2; i += 1)
      expect(await ask('DELETE', `/notte/sessions/${id}/stop`)).toMatchObject({ status: 'closed' });
  });

  it('have the time-outs that were asked for, under each of their names', async () => {
    const limits = async (body: unknown): Promise<unknown[]> => {
      const session = await startedWith(body);
      return [session['idle_timeout_minutes'], session['max_duration_minutes'], session['timeout_minutes']];
    };
    expect(await limits({})).toEqual([3, 15, 3]);
    expect(await limits({ idle_timeout_minutes: 10, max_duration_minutes: 20 })).toEqual([10, 20, 10]);
    expect(await limits({ idle_timeout_minutes: 20 })).toEqual([20, 20, 20]);
    expect(await limits({ timeout_minutes: 10 })).toEqual([10, 15, 10]);
    expect(await limits({ timeout_minutes: 30, max_duration_minutes: 20 })).toEqual([30, 30, 30]);
    expect(await limits({ timeoutMinutes: 30 })).toEqual([30, 30, 30]);
    expect(await limits({ max_duration_minutes: 1 })).toEqual([1, 1, 1]);
    expect(await limits({ idle_timeout_minutes: 5, timeout_minutes: 9 })).toEqual([5, 15, 5]);
  });

  it('start with options that are unknown or not there, and do not pretend to have them', async () => {
    const session = await startedWith({
      ...{ proxies: true, solve_captchas: true, web_bot_auth: true, use_file_storage: true },
      ...{ browser_type: 'firefox', vault_id: 'v', auth_ids: ['x'], somethingNew: { a: 1 } },
      extra_http_headers: { a: 'b' },
      ...{ chrome_args: ['--x'], aspect_ratio: '5:4', cdp_url: null },
    });
    expect(session).toMatchObject({
      ...{ proxies: false, solve_captchas: false, web_bot_auth: false, use_file_storage: false },
      ...{ browser_type: 'chromium', auth_ids: [], viewport_width: 1_280, viewport_height: 1_024 },
    });
    const notte = {
      proxies: [
        { type: 'notte', country: 'us' },
        { type: 'tailnet', oauth_client_id: 'x' },
      ],
    };
    expect(await startedWith(notte)).toMatchObject({ proxies: false });
  });

  it('use an external proxy, with its password wherever it is given', async () => {
    const native = async (proxy: object): Promise<unknown> => {
      const { session_id: id } = await start({ proxies: [{ type: 'external', ...proxy }] });
      expect((await call('GET', `/sessions/${id}`)).body['proxies']).toBe(true);
      return (await api.call('GET', `/v1/sessions/${id}`, { headers: A })).body['proxy'];
    };
    expect(await native({ server: 'http://proxy.test:8080', username: 'u', password: 'p' })).toEqual({
      server: 'http://proxy.test:8080',
    });
    expect(await native({ server: 'http://u:p@proxy.test:8080' })).toEqual({
      server: 'http://proxy.test:8080',
    });
    expect(await native({ server: 'proxy.test:8080' })).toEqual({ server: 'http://proxy.test:8080' });
  });

  it('have one and the same session for one Idempotency-Key', async () => {
    const headers = { ...A, 'idempotency-key': 'f'.repeat(64) };
    expect((await start({}, headers)).session_id).toBe((await start({}, headers)).session_id);
  });

  it('are closed by every stop, and keep how they have really ended', async () => {
    const { session_id: id } = await start();
    for (const method of ['DELETE', 'POST', 'DELETE']) {
      const { status, body } = await call(method, `/sessions/${id}/stop`, { headers: PYTHON_HEADERS });
      expect({ status, body }).toMatchObject({ status: 200, body: { status: 'closed', cdp_url: null } });
      expect(body['closed_at']).not.toBeNull();
      expect(body).not.toHaveProperty('detail');
    }
    expect((await call('GET', `/sessions/${id}`)).body['status']).toBe('closed');

    const late = await api.createLive({ timeout: 1_000 }, A);
    await pollUntil('the time-out', { timeoutMs: 5_000, everyMs: 20 }, async () =>
      (await call('GET', `/sessions/${late.id}`)).body['status'] === 'timed_out' ? true : undefined,
    );
    expect((await call('POST', `/sessions/${late.id}/stop`)).body['status']).toBe('closed');
    expect((await call('GET', `/sessions/${late.id}`)).body['status']).toBe('timed_out');
  });

  it('are an error after their browser has crashed, with the reason', async () => {
    const { session_id: id } = await start();
    // SAFETY: the reference of this test's own session.
    await api.worker.crash(`a/${id}` as Parameters<typeof api.worker.crash>[0]);
    const { body } = await call('GET', `/sessions/${id}`);
    expect(body).toMatchObject({ status: 'error', cdp_url: null });
    expect(body['error']).toContain('exit 133');
    expect((await call('DELETE', `/sessions/${id}/stop`)).body['status']).toBe('closed');
  });

  it('can be started fifty at once', async () => {
    const beganMs = performance.now();
    const started = await Promise.all(Array.from({ length: 50 }, () => start()));
    expect(new Set(started.map(({ session_id: id }) => id)).size).toBe(50);
    expect(performance.now() - beganMs).toBeLessThan(scaled(20_000));
    await stopAll();
  });

  it('whose browser does not start are an error of the start', async () => {
    api.worker.launches = 'failed';
    const failed = await call('POST', '/sessions/start', { body: {} });
    api.worker.launches = 'live';
    expect(failed).toMatchObject({
      status: 502,
      body: { status: 502, error: 'launch_failed', session_id: expect.any(String) as unknown },
    });
  });
});

describe("Notte's list of sessions", () => {
  const ids: string[] = [];
  let stopped = '';
  beforeAll(async () => {
    await stopAll();
    for (let i = 0; i < 5; i += 1) ids.unshift((await start()).session_id);
    stopped = ids.pop() ?? '';
    await call('DELETE', `/sessions/${stopped}/stop`);
  });
  afterAll(stopAll);

  it('has the active ones in both paths, as Python and Node ask for them', async () => {
    const python = await call('GET', '/sessions/?only_active=True&page_size=10&page=1', {
      headers: PYTHON_HEADERS,
    });
    expect(python.body).toMatchObject({ page: 1, page_size: 10, has_next: false, has_previous: false });
    expect(idsIn(python)).toEqual(ids);
    const node = await call('GET', '/sessions?page=1&page_size=5&only_active=true&only_current_token=true');
    expect(idsIn(node)).toEqual(ids);
    expect(idsIn(await call('GET', '/sessions'))).toEqual(ids);
  });

  it('has those that have ended as well, if that is asked for', async () => {
    const all = await call('GET', '/sessions/?only_active=False&page_size=100&include_system=true');
    expect(idsIn(all)).toEqual(expect.arrayContaining([...ids, stopped]));
    const closed = idsIn(await call('GET', '/sessions?status=closed&page_size=100'));
    expect(closed).toContain(stopped);
    expect(closed).not.toContain(ids[0]);
    expect(idsIn(await call('GET', '/sessions?status=closed&only_active=true'))).toEqual([]);
  });

  it('has pages by number', async () => {
    const pages: unknown[] = [];
    for (const page of [1, 2, 3]) {
      const answer = await call('GET', `/sessions?page_size=2&page=${page}`);
      pages.push([idsIn(answer), answer.body['has_next'], answer.body['has_previous']]);
    }
    expect(pages).toEqual([
      [ids.slice(0, 2), true, false],
      [ids.slice(2), false, true],
      [[], false, true],
    ]);
    const deep = await call('GET', '/sessions?page_size=100&page=12');
    expect(deep).toMatchObject({ status: 422, body: { detail: [{ loc: ['query', 'page'] }] } });
  });

  it('does not show the sessions of another key', async () => {
    expect(idsIn(await call('GET', '/sessions', { headers: B }))).toEqual([]);
  });
});

describe("Notte's ways to a session", () => {
  it('are CDP URLs that need no key, and pages with their own', async () => {
    const { session_id: id, cdp_url: cdpUrl } = await start();
    const socket = new WebSocket(cdpUrl);
    await once(socket, 'open');
    socket.terminate();
    const { body } = await call('GET', `/sessions/${id}/debug`);
    const tab = {
      metadata: { tab_id: 0, title: 'Example', url: 'https://example.test/' },
      debug_url: expect.stringMatching(/^http/) as unknown,
      ws_url: expect.stringMatching(/\/cdp\/devtools\/page\/PAGE1\?token=./) as unknown,
    };
    expect(body).toMatchObject({ ws: { cdp: cdpUrl }, tabs: [tab] });
    const one = await call('GET', `/sessions/${id}/debug/tab?tab_idx=0`);
    expect(one.body).toMatchObject(tab);
    const page = new WebSocket(String(one.body['ws_url']));
    await once(page, 'open');
    page.terminate();
    expect((await call('GET', `/sessions/${id}/debug/tab?tab_idx=7`)).status).toBe(422);

    const { recording } = body['ws'] as { recording: string };
    const refused = new WebSocket(recording);
    const [error] = (await once(refused, 'error')) as [Error];
    expect(error.message).toContain('422');
  });

  it('end with the session', async () => {
    const { session_id: id } = await start();
    await call('DELETE', `/sessions/${id}/stop`);
    expect(await call('GET', `/sessions/${id}/debug`)).toMatchObject({
      status: 409,
      body: { status: 409, error: 'session_ended', session_id: id },
    });
  });

  it('have an offset, an empty list of network logs and no recording', async () => {
    const { session_id: id } = await start();
    expect((await call('GET', `/sessions/${id}/offset`)).body).toEqual({ offset: 0 });
    const logs = await call('GET', `/sessions/${id}/network/logs?limit=3&download=true`);
    expect(logs.body).toMatchObject({ session_id: id, batches: [], total_batch_count: 0 });
    expect(await call('GET', `/sessions/${id}/replay`)).toMatchObject({
      status: 422,
      body: { status: 422, error: 'not_supported', session_id: id },
    });
  });
});

describe("Notte's connections that are sessions", () => {
  const connect = (token: string): WebSocket =>
    new WebSocket(`${api.url.replace('http', 'ws')}/notte/sessions/connect?token=${token}`);

  beforeEach(stopAll);

  it('begin with a connection', async () => {
    const socket = connect('key-a');
    await once(socket, 'open');
    socket.send('hello');
    const [echo] = (await once(socket, 'message')) as [Buffer];
    expect(echo.toString()).toBe('hello');
    const { body } = await call('GET', '/sessions');
    const [session] = (body as unknown as { items: Record<string, unknown>[] }).items;
    expect(session).toMatchObject({ status: 'active', max_duration_minutes: 15, idle_timeout_minutes: 3 });
    socket.terminate();
  });

  it.each(['wrong', '', 'undefined'])('need an API key: %j is none', async token => {
    const socket = connect(token);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('401');
    expect(idsIn(await call('GET', '/sessions'))).toEqual([]);
  });
});

describe("Notte's profiles", () => {
  it('are contexts', async () => {
    const created = await call('POST', '/profiles/create', { body: { name: 'shop' } });
    const { profile_id: id } = created.body as { profile_id: string };
    expect(created).toMatchObject({ status: 200, body: { name: 'shop' } });
    expect((await call('POST', '/profiles/create', { body: {} })).body['name']).toBeNull();
    expect((await call('GET', `/profiles/${id}`)).body).toEqual(created.body);
    const list = await call('GET', '/profiles/?page=1&page_size=20&name=shop');
    expect(list.body).toMatchObject({ items: [created.body], has_next: false });
    expect((await call('GET', '/profiles?page_size=1')).body).toMatchObject({ has_next: true });

    const { session_id: session } = await start({ profile: { id, persist: true } });
    const native = await api.call('GET', `/v1/sessions/${session}`, { headers: A });
    expect(native.body['context']).toMatchObject({ id, persist: true });
    expect(await call('GET', `/profiles/${id}`, { headers: B })).toMatchObject({
      status: 404,
      body: { status: 404, error: 'context_not_found' },
    });
    expect((await call('DELETE', `/profiles/${id}`)).body).toEqual({
      success: true,
      message: 'Profile deleted',
    });
    expect(await call('POST', '/sessions/start', { body: { profile: { id } } })).toMatchObject({
      status: 404,
      body: { error: 'context_not_found' },
    });
  });
});
