import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { refOf, uuidv7 } from '../../../src/core/ids';
import { startTestApi, type TestApi } from '../../support/api';
import { pollUntil } from '../../support/poll-until';
import { sendRaw } from '../../support/raw-http';
import { scaled } from '../../support/slowdown';
import { SteelCaller, TWO_TENANTS, type SteelView } from '../../support/steel';

let api: TestApi;
let steel: SteelCaller;
let other: SteelCaller;
beforeAll(async () => {
  api = await startTestApi({ apiKeys: TWO_TENANTS });
  steel = new SteelCaller(api, 'key-a');
  other = new SteelCaller(api, 'key-b');
});
afterAll(() => api.stop());
afterEach(() => {
  api.worker.launches = 'live';
});

const RELEASED = { status: 200, body: { success: true, message: 'Session released successfully' } };
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

describe("a session of Steel's API", () => {
  it('has every member that the clients demand', async () => {
    const session = await steel.create();
    expect(session).toMatchObject({
      id: expect.stringMatching(UUID) as string,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      status: 'live',
      timeout: 300_000,
      duration: expect.any(Number) as number,
      ...{ eventCount: 0, creditsUsed: 0, proxyBytesUsed: 0, proxySource: null },
      dimensions: { width: 1_280, height: 720 },
      optimizeBandwidth: {},
      websocketUrl: expect.stringMatching(/^ws:.*\/steel\/\?sessionId=/) as string,
      debugUrl: expect.stringMatching(/^http/) as string,
      sessionViewerUrl: expect.stringMatching(/^http/) as string,
    });
    expect(Number.isInteger(session['duration'])).toBe(true);
    const { body } = await steel.call('GET', `/sessions/${session.id}`);
    expect({ ...body, duration: 0 }).toEqual({ ...session, duration: 0 });
  });

  it('has the options of its create, and ignores others', async () => {
    const sessionId = randomUUID();
    const session = await steel.create({
      sessionId,
      timeout: 60_000,
      inactivityTimeout: 20_000,
      dimensions: { width: 800, height: 600 },
      userAgent: 'Robot/1.0',
      headless: true,
      proxyUrl: 'http://user:p%40ss@proxy.example:80',
      useProxy: true,
      ...{ maxRetries: 5, blockAds: true, solveCaptcha: true, region: 'lax', isSelenium: true },
      ...{ stealthConfig: { humanizeInteractions: true }, optimizeBandwidth: true, namespace: 'n' },
      ...{ deviceConfig: { device: 'mobile' }, extensionIds: ['x'], concurrency: 3, profileId: null },
    });
    expect(session).toMatchObject({
      ...{ id: sessionId, timeout: 60_000, inactivityTimeout: 20_000, userAgent: 'Robot/1.0' },
      ...{ dimensions: { width: 800, height: 600 }, headless: true, proxySource: 'external' },
    });
    const native = await api.call('GET', `/v1/sessions/${sessionId}`, {
      headers: { 'x-api-key': 'key-a' },
    });
    expect(native.body['proxy']).toEqual({ server: 'http://proxy.example:80' });
  });

  it('takes an external proxy as useProxy, too, and an inactivityTimeout that never comes', async () => {
    const useProxy = { server: 'socks5://proxy.example:1080' };
    const session = await steel.create({ useProxy, timeout: 20_000, inactivityTimeout: 999_999_999 });
    expect(session).toMatchObject({ proxySource: 'external' });
    expect(session).not.toHaveProperty('inactivityTimeout');
  });

  it('uses a profile, and makes one to save into', async () => {
    const saved = await steel.create({ persistProfile: true });
    expect(saved).toMatchObject({ persistProfile: true, profileId: expect.any(String) as string });
    const profileId = String(saved['profileId']);
    expect(await steel.create({ profileId })).toMatchObject({ profileId, persistProfile: false });
    const { body } = await steel.call('GET', '/profiles');
    expect(body['profiles']).toContainEqual(expect.objectContaining({ id: profileId, status: 'READY' }));
    expect((await steel.call('GET', `/profiles/${profileId}`)).body).toMatchObject({ id: profileId });
    for (const call of [
      other.call('GET', `/profiles/${profileId}`),
      other.call('POST', '/sessions', { body: { profileId } }),
      steel.call('POST', '/sessions', { body: { profileId: randomUUID() } }),
    ])
      expect(await call).toMatchObject({ status: 404, body: { code: 'context_not_found' } });
  });

  it('is refused for what it cannot have, once', async () => {
    const refused = async (body: object, pointer: string): Promise<unknown> => {
      const answer = await steel.call('POST', '/sessions', { body });
      expect({ body, status: answer.status, retry: answer.headers.get('x-should-retry') }).toEqual({
        ...{ body, status: 422, retry: 'false' },
      });
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
      expect(answer.body['message']).toContain(pointer);
      return answer.body['code'];
    };
    for (const [body, pointer] of [
      [{ timeout: '600' }, '/timeout'],
      [{ timeout: 0 }, '/timeout'],
      [{ timeout: 1e12 }, '/timeout'],
      [{ inactivityTimeout: 1 }, '/inactivityTimeout'],
      [{ sessionId: 'mine' }, '/sessionId'],
      [{ dimensions: { width: 1 } }, '/dimensions/height'],
      [{ dimensions: [] }, '/dimensions'],
      [{ userAgent: 'a\nb' }, '/userAgent'],
      [{ proxyUrl: 'http://us%er:secret@host' }, '/proxyUrl'],
      [{ proxyUrl: 'ftp://host:1' }, '/proxyUrl'],
      [{ headless: 'no' }, '/headless'],
      [{ sessionContext: { cookies: [{ name: 'a' }] } }, '/sessionContext/cookies/0'],
      [{ sessionContext: { localStorage: { shop: {} } } }, '/sessionContext/localStorage'],
    ] as const)
      expect(await refused(body, pointer)).toBe('invalid_request');
    for (const [body, pointer] of [
      [{ useProxy: true }, '/useProxy'],
      [{ useProxy: { geolocation: { country: 'DE' } } }, '/useProxy'],
      [{ sessionContext: { indexedDB: { 'https://a.example': [] } } }, '/sessionContext/indexedDB'],
    ] as const)
      expect(await refused(body, pointer)).toBe('not_supported');
  });

  it('is made once for an id: a repeat of the SDK joins it, another create is refused and not repeated', async () => {
    const body = { sessionId: randomUUID() };
    const [first, second] = await Promise.all([
      steel.call('POST', '/sessions', { body }),
      steel.call('POST', '/sessions', { body }),
    ]);
    expect([first.status, second.status].sort()).toEqual([200, 409]);
    const repeat = await steel.call('POST', '/sessions', {
      body,
      headers: { 'x-stainless-retry-count': '1' },
    });
    expect(repeat).toMatchObject({ status: 200, body: { id: body.sessionId } });
    const changed = await steel.call('POST', '/sessions', { body: { ...body, timeout: 20_000 } });
    expect(changed).toMatchObject({ status: 409, body: { code: 'session_id_taken' } });
    expect(changed.headers.get('x-should-retry')).toBe('false');
    expect(await other.create(body)).toMatchObject({ id: body.sessionId });
  });

  it('does not outlive a client that went away before the answer', async () => {
    api.worker.launches = 'ignored';
    const before = (await steel.list('status=live')).ids;
    const gone = new AbortController();
    const asked = steel.call('POST', '/sessions', { body: {}, signal: gone.signal });
    const id = await pollUntil('the session', { timeoutMs: scaled(5_000), everyMs: 5 }, async () =>
      (await steel.list('status=live')).ids.find(found => !before.includes(found)),
    );
    gone.abort();
    await expect(asked).rejects.toThrow();
    await pollUntil('its end', { timeoutMs: scaled(5_000), everyMs: 5 }, async () => {
      const { body } = await steel.call('GET', `/sessions/${id}`);
      return body['status'] === 'released' ? true : undefined;
    });
  });

  it('is an error that is worth a repeat if it fails', async () => {
    api.worker.launches = 'failed';
    const answer = await steel.call('POST', '/sessions', { body: {} });
    expect(answer).toMatchObject({ status: 502, body: { code: 'launch_failed' } });
    expect(answer.headers.get('x-should-retry')).toBe('true');
  });

  it('is made for each of fifty creates at once', async () => {
    const sessions = await Promise.all(Array.from({ length: 50 }, () => steel.create()));
    expect(new Set(sessions.map(({ id }) => id)).size).toBe(50);
    expect(new Set(sessions.map(({ status }) => status))).toEqual(new Set(['live']));
  });
});

describe("a release of Steel's API", () => {
  it.each(['an empty body of JSON', 'an empty object'])(
    'takes %s, and is repeated without harm',
    async kind => {
      const { id } = await steel.create();
      for (let i = 0; i < 2; i += 1) {
        const { status, text } = await sendRaw(api.url, {
          method: 'POST',
          path: `/steel/v1/sessions/${id}/release`,
          headers: [
            ['steel-api-key', 'key-a'],
            ['content-type', 'application/json'],
          ],
          ...(kind === 'an empty object' ? { body: '{}' } : {}),
        });
        expect({ status, body: JSON.parse(text) as unknown }).toEqual(RELEASED);
      }
      expect((await steel.call('GET', `/sessions/${id}`)).body).toMatchObject({ status: 'released' });
    },
  );

  it('is a success after every end', async () => {
    const crashed = await steel.create();
    await api.worker.crash(refOf('a', crashed.id));
    expect((await steel.call('GET', `/sessions/${crashed.id}`)).body).toMatchObject({ status: 'failed' });
    expect(await steel.call('POST', `/sessions/${crashed.id}/release`)).toMatchObject(RELEASED);
    const timed = await steel.create({ timeout: 1_000 });
    await pollUntil('the time-out', { timeoutMs: scaled(5_000), everyMs: 20 }, async () =>
      (await steel.list('status=released')).ids.includes(timed.id) ? true : undefined,
    );
    expect(await steel.call('POST', `/sessions/${timed.id}/release`)).toMatchObject(RELEASED);
  });

  it('of all answers with the exact message, and leaves other tenants alone', async () => {
    const mine = await steel.create();
    const theirs = await other.create();
    const { status, text } = await sendRaw(api.url, {
      method: 'POST',
      path: '/steel/v1/sessions/release',
      headers: [
        ['steel-api-key', 'key-a'],
        ['content-type', 'application/json'],
      ],
    });
    expect({ status, body: JSON.parse(text) as unknown }).toEqual({
      status: 200,
      body: { success: true, message: 'All sessions released successfully' },
    });
    expect((await steel.list('status=live')).ids).toEqual([]);
    expect((await steel.list('status=released')).ids).toContain(mine.id);
    expect((await other.list('status=live')).ids).toContain(theirs.id);
  });
});

describe("a list of Steel's API", () => {
  const made: string[] = [];
  beforeAll(async () => {
    await steel.call('POST', '/sessions/release');
    for (let i = 0; i < 5; i += 1) made.unshift((await steel.create()).id);
  });

  it('ends with an empty page, also if each session is released meanwhile', async () => {
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { ids, nextCursor } = await steel.list(`status=live&limit=2${cursor}`);
      if (ids.length === 0) break;
      seen.push(...ids);
      expect(nextCursor).toBe(seen.length < made.length ? ids.at(-1) : null);
      for (const id of ids) await steel.call('POST', `/sessions/${id}/release`);
      cursor = `&cursorId=${ids.at(-1) ?? ''}`;
    }
    expect(seen).toEqual(made);
  });

  it('goes on after a session that retention has removed', async () => {
    const [newest = '', second = ''] = made;
    const { ids } = await steel.list('limit=100');
    expect(ids.slice(0, 2)).toEqual([newest, second]);
    // As old as the newest, and not there.
    const time = parseInt(newest.replace('-', '').slice(0, 12), 16);
    const removed = uuidv7(time + 1);
    expect((await steel.list(`limit=1&cursorId=${removed}`)).ids).toEqual([newest]);
    const unknown = await steel.call('GET', `/sessions?cursorId=${randomUUID()}`);
    expect(unknown).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'status=idle', 'cursorId=..%2F'])('refuses %s', async query => {
    expect(await steel.call('GET', `/sessions?${query}`)).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', message: expect.stringContaining('query/') as string },
    });
  });

  it('shows a tenant its own sessions only', async () => {
    const theirs = await other.create();
    expect((await steel.list('limit=100')).ids).not.toContain(theirs.id);
  });
});

describe("the WebSocket of Steel's sessions", () => {
  const statusOf = async (url: string): Promise<number> => {
    const socket = new WebSocket(url);
    const status = await new Promise<number>((resolve, reject) => {
      socket.once('open', () => resolve(101));
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      socket.once('error', reject);
    });
    socket.on('error', () => undefined);
    socket.terminate();
    return status;
  };
  let session: SteelView;
  let origin: string;
  beforeAll(async () => {
    session = await steel.create();
    origin = api.url.replace('http', 'ws');
  });

  it('opens at the URL of the session, with a key and without', async () => {
    for (const more of ['', '&apiKey=key-a', '&apiKey=', '&apiKey=undefined'])
      expect([more, await statusOf(session.websocketUrl + more)]).toEqual([more, 101]);
  });

  it('takes id and key in any order', async () => {
    for (const path of [
      `/steel?apiKey=key-a&sessionId=${session.id}`,
      `/steel/?sessionId=${session.id}&apiKey=key-a`,
      `/steel/?x=1&apiKey=key-a&y=&sessionId=${session.id}`,
    ])
      expect(await statusOf(origin + path)).toBe(101);
  });

  it('refuses wrong keys, other tenants and unknown sessions', async () => {
    for (const [status, path] of [
      [401, `/steel/?sessionId=${session.id}`],
      [401, `/steel/?sessionId=${session.id}&apiKey=wrong`],
      [401, `/steel/?sessionId=${session.id}&token=a.wrong`],
      [404, `/steel/?sessionId=${session.id}&apiKey=key-b`],
      [404, '/steel/?apiKey=key-a'],
      [404, '/steel/?sessionId=a%2Fb&apiKey=key-a'],
      [404, `/steel/?sessionId=${randomUUID()}&apiKey=key-a`],
    ] as const)
      expect([path, await statusOf(origin + path)]).toEqual([path, status]);
    const { websocketUrl } = session;
    expect(await statusOf(`${websocketUrl}&apiKey=key-b`)).toBe(404);
    expect(await statusOf(`${websocketUrl}&apiKey=wrong`)).toBe(401);
  });

  it('is cut by a release, and not opened again', async () => {
    const { id, websocketUrl } = await steel.create();
    const socket = new WebSocket(websocketUrl);
    await once(socket, 'open');
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    await steel.call('POST', `/sessions/${id}/release`);
    await closed;
    expect(await statusOf(websocketUrl)).toBe(409);
  });

  it('is found over HTTP by clients that ask for /json/version', async () => {
    const { search } = new URL(session.websocketUrl);
    for (const path of [
      `/steel/json/version/${search}`,
      `/steel/json/version?apiKey=key-a&sessionId=${session.id}`,
    ])
      expect((await api.call('GET', path)).body).toMatchObject({
        Browser: 'Echo/1.0',
        webSocketDebuggerUrl: session.websocketUrl,
      });
    expect((await api.call('GET', `/steel/json/version?sessionId=${session.id}`)).status).toBe(401);
  });
});

describe("Steel's API without keys", () => {
  it('takes any key', async () => {
    const open = await startTestApi();
    try {
      const caller = new SteelCaller(open, 'anything');
      const { id, websocketUrl } = await caller.create();
      for (const url of [
        `${websocketUrl}&apiKey=whatever`,
        websocketUrl,
        `${open.url.replace('http', 'ws')}/steel/?sessionId=${id}`,
      ]) {
        const socket = new WebSocket(url);
        await once(socket, 'open');
        socket.terminate();
      }
    } finally {
      await open.stop();
    }
  });
});
