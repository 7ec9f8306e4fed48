import { WebSocket } from 'ws';
import { once } from 'node:events';
import { NOTTE_CALLS } from '../../../src/http/dialects/notte/calls';
import type { DialectCall } from '../../../src/http/dialects/dialect';
import { startTestApi, type Answer, type CallOptions, type TestApi } from '../../support/api';

let api: TestApi;
let id = '';
beforeAll(async () => {
  api = await startTestApi({
    apiKeys: [
      { tenant: 'a', key: 'key-a' },
      { tenant: 'b', key: 'key-b' },
    ],
  });
  ({ id } = await api.createLive({}, A));
});
afterAll(() => api.stop());

const A = { authorization: 'Bearer key-a' };
const B = { authorization: 'Bearer key-b' };

const call = (method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
  api.call(method, `/notte${path}`, { headers: A, ...options });

const CALLS: readonly (readonly [string, DialectCall])[] = Object.entries(NOTTE_CALLS);

/* One API process takes sixty wrong keys at a time from an address (ADR 95). */
const TRIED_AT_MOST = 50;

/* With the id of a real session, profile ids and names that do not exist. */
const pathOf = ({ path }: DialectCall): string => path.replace('{id}', id).replaceAll(/\{\w+\}/g, 'x');

/** Expects an error in Notte's form, and answers its members. */
function errorIn({ status, headers, body }: Answer): Record<string, unknown> {
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(body).toEqual({
    message: expect.stringMatching(/./) as unknown,
    status,
    error: expect.stringMatching(/^[a-z_]+$/) as unknown,
    detail: expect.anything() as unknown,
    session_id: body['session_id'],
  });
  return body;
}

const fieldsIn = (answer: Answer): unknown =>
  // SAFETY: the answer to invalid fields; a wrong one fails the test.
  (errorIn(answer) as { detail: { loc: unknown[] }[] }).detail.map(({ loc }) => loc.join('.'));

describe("Notte's API without a valid key", () => {
  it.each([
    ['none', {}],
    ['a wrong one', { authorization: 'Bearer wrong' }],
    ['none in its Node client', { authorization: 'Bearer undefined' }],
    ['another scheme', { authorization: 'Basic a2V5LWE6' }],
    ['a wrong one in the other header', { 'x-notte-api-key': 'wrong' }],
  ])('is refused: %s', async (_name, headers) => {
    for (let from = 0; from < CALLS.length; from += TRIED_AT_MOST) {
      const other = await startTestApi({ apiKeys: [{ tenant: 'a', key: 'key-a' }] });
      try {
        for (const [, one] of CALLS.slice(from, from + TRIED_AT_MOST)) {
          const answer = await other.call(one.method, `/notte${pathOf(one)}`, { headers });
          if (one.isOpen === true) expect(answer.status).toBe(200);
          else expect(errorIn(answer)).toMatchObject({ status: 401, error: 'unauthorized' });
        }
        const nothing = await other.call('GET', '/notte/nothing', { headers });
        expect(errorIn(nothing)).toMatchObject({ status: 401 });
      } finally {
        await other.stop();
      }
    }
  });

  it('is open to a key in the header of its n8n node, and in health to everybody', async () => {
    const answer = await call('GET', '/sessions', { headers: { 'x-notte-api-key': 'key-a' } });
    expect(answer.status).toBe(200);
    expect((await call('GET', '/health', { headers: {} })).body).toEqual({ status: 'ok' });
  });
});

describe("Notte's API with a key of another tenant", () => {
  it('knows no session of the first', async () => {
    const unknown = { status: 404, error: 'session_not_found', message: 'There is no such session.' };
    for (const [, one] of CALLS) {
      if (!one.path.startsWith('/sessions/{id}') || one.isMissing === true) continue;
      const body = BODIES[one.path];
      const options = { headers: B, ...(body === undefined || one.method === 'GET' ? {} : { body }) };
      expect(errorIn(await call(one.method, pathOf(one), options))).toMatchObject(unknown);
    }
    expect((await call('GET', `/sessions/${id}`)).body['status']).toBe('active');
  });
});

const BODIES: Readonly<Record<string, object>> = {
  '/sessions/{id}/cookies': { cookies: [] },
  '/sessions/{id}/page/execute': { type: 'wait', time_ms: 0 },
};

describe("What Notte's API does not have", () => {
  it('is refused with a code', async () => {
    const missing = CALLS.filter(([, { isMissing }]) => isMissing === true);
    expect(missing.length).toBeGreaterThan(30);
    for (const [, one] of missing) {
      const body = errorIn(await call(one.method, pathOf(one)));
      expect(body).toMatchObject({ status: 422, error: 'not_supported' });
      expect(body['message']).toContain(one.call);
    }
  });

  it('is marked as a failed action in page calls', async () => {
    const observe = await call('POST', `/sessions/${id}/page/observe`, { body: { perception_type: 'fast' } });
    expect(errorIn(observe)).toMatchObject({ error: 'not_supported', session_id: id });
    expect(observe.headers.get('x-error-class')).toBe('NotteApiExecutionError');
    expect((await call('GET', `/sessions/${id}/replay`)).headers.get('x-error-class')).toBeNull();
  });

  it('is refused with files, too', async () => {
    const text = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\na\r\n--x--\r\n';
    const headers = { ...A, 'content-type': 'multipart/form-data; boundary=x' };
    const answer = await call('POST', '/storage/uploads/a.txt', { text, headers });
    expect(errorIn(answer)).toMatchObject({ error: 'not_supported' });
  });

  it('is not found where there is nothing at all', async () => {
    for (const [method, path] of [
      ['GET', '/nothing'],
      ['GET', '/'],
      ['PUT', '/sessions'],
      ['DELETE', `/sessions/${id}`],
      ['GET', '/sessions/a/b/c/d'],
    ] as const)
      expect(errorIn(await call(method, path))).toMatchObject({ status: 404, error: 'not_found' });
  });

  it.each([
    ['/notte/agents/x/debug/logs?token=key-a', '422'],
    ['/notte/sessions/x/debug/recording', '422'],
    ['/notte/sessions/x/other', '404'],
  ])('is refused as a WebSocket: %s', async (path, status) => {
    const socket = new WebSocket(api.url.replace('http', 'ws') + path);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain(status);
  });
});

describe('Bad input to Notte', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['a text for a number', { idle_timeout_minutes: 'ten' }, ['body.idle_timeout_minutes']],
    ['a fraction', { max_duration_minutes: 1.5 }, ['body.max_duration_minutes']],
    ['nothing', { max_duration_minutes: 0 }, ['body.max_duration_minutes']],
    ['more than a day', { max_duration_minutes: 1_441 }, ['body.max_duration_minutes']],
    [
      'a long idle time',
      { idle_timeout_minutes: 31, max_duration_minutes: 60 },
      ['body.idle_timeout_minutes'],
    ],
    [
      'an idle time above the maximum',
      { idle_timeout_minutes: 20, max_duration_minutes: 10 },
      ['body.idle_timeout_minutes'],
    ],
    ['a text for a flag', { headless: 'yes' }, ['body.headless']],
    ['one side of a viewport', { viewport_width: 800 }, ['body.viewport_height']],
    [
      'a tiny viewport',
      { viewport_width: 1, viewport_height: 1 },
      ['body.viewport_width', 'body.viewport_height'],
    ],
    ['two shapes', { viewport_width: 800, viewport_height: 600, aspect_ratio: '5:4' }, ['body.aspect_ratio']],
    ['an odd shape', { aspect_ratio: '1:1' }, ['body.aspect_ratio']],
    ['another browser', { browser_type: 'safari' }, ['body.browser_type']],
    ['a user agent with a line break', { user_agent: 'a\nb' }, ['body.user_agent']],
    ['a number for proxies', { proxies: 7 }, ['body.proxies']],
    ['a proxy without a server', { proxies: [{ type: 'external' }] }, ['body.proxies.0.server']],
    [
      'a proxy that is none',
      { proxies: [{ type: 'external', server: 'ftp://x' }] },
      ['body.proxies.0.server'],
    ],
    ['a profile without an id', { profile: { persist: true } }, ['body.profile.id']],
    [
      'several at once',
      { headless: 1, vault_id: 2, auth_ids: 'x' },
      ['body.headless', 'body.vault_id', 'body.auth_ids'],
    ],
    ['a list', [], ['body']],
  ])('is refused at a start: %s', async (_name, body, fields) => {
    const answer = await call('POST', '/sessions/start', { body });
    expect(fieldsIn(answer)).toEqual(fields);
    expect(answer.status).toBe(422);
  });

  it.each([
    ['another provider', { cdp_url: 'wss://other.test' }],
    ['a bypass', { proxies: [{ type: 'external', server: 'http://p.test:1', bypass: 'x.test' }] }],
  ])('is refused at a start, if the session would do something else: %s', async (_name, body) => {
    expect(errorIn(await call('POST', '/sessions/start', { body }))).toMatchObject({
      error: 'not_supported',
    });
  });

  it.each(['{', '"text"', 'null', '{"a":1}}', '['.repeat(50)])('is refused as JSON: %s', async text => {
    const answer = await call('POST', '/sessions/start', { text });
    expect([400, 422]).toContain(answer.status);
    errorIn(answer);
  });

  it('is refused in another type and size', async () => {
    const headers = { ...A, 'content-type': 'text/plain' };
    const typed = await call('POST', '/sessions/start', { text: '{}', headers });
    expect(errorIn(typed)).toMatchObject({ status: 415 });
    const large = await call('POST', '/sessions/start', { body: { user_agent: 'x'.repeat(300_000) } });
    expect(errorIn(large)).toMatchObject({ status: 413 });
  });

  it.each([
    ['page=0', 'query.page'],
    ['page=x', 'query.page'],
    ['page_size=0', 'query.page_size'],
    ['page_size=101', 'query.page_size'],
    ['only_active=maybe', 'query.only_active'],
    ['only_active=true&only_active=false', 'query.only_active'],
    ['status=live', 'query.status'],
  ])('is refused in a list: %s', async (query, field) => {
    expect(fieldsIn(await call('GET', `/sessions?${query}`))).toEqual([field]);
  });

  it.each<[unknown, string]>([
    [{}, 'body.cookies'],
    [{ cookies: {} }, 'body.cookies'],
    [{ cookies: [{ name: 'a', value: 'b', domain: 'x.test', path: '/' }] }, 'body.cookies.0.httpOnly'],
    [{ cookies: [{ name: 'a', value: 'b', path: '/', httpOnly: true }] }, 'body.cookies.0.domain'],
    [
      {
        cookies: [{ name: 'a', value: 'b', domain: 'x.test', path: '/', httpOnly: true, sameSite: 'maybe' }],
      },
      'body.cookies.0.sameSite',
    ],
    [
      { cookies: [{ name: 'a', value: 'b', domain: 'x y', path: '/', httpOnly: true }] },
      'body.cookies.0.url',
    ],
  ])('is refused as cookies: %j', async (body, field) => {
    expect(fieldsIn(await call('POST', `/sessions/${id}/cookies`, { body }))).toEqual([field]);
  });

  it.each<[unknown, string]>([
    [{}, 'body.type'],
    [{ type: 'dance' }, 'body.type'],
    [{ type: 'goto' }, 'body.url'],
    [{ type: 'goto', url: 'javascript:alert(1)' }, 'body.url'],
    [{ type: 'goto', url: 'file:///etc/passwd' }, 'body.url'],
    [{ type: 'wait', time_ms: 30_001 }, 'body.time_ms'],
    [{ type: 'click' }, 'body.selector'],
    [{ type: 'click', id: '', selector: {} }, 'body.selector'],
    [{ type: 'fill', selector: '#a' }, 'body.value'],
    [{ type: 'check', selector: '#a', value: 'yes' }, 'body.value'],
    [{ type: 'scroll_down', amount: 'far' }, 'body.amount'],
    [{ type: 'press_key', key: '' }, 'body.key'],
  ])('is refused as an action: %j', async (body, field) => {
    expect(fieldsIn(await call('POST', `/sessions/${id}/page/execute`, { body }))).toEqual([field]);
  });

  it.each([
    { type: 'click', id: 'B1' },
    { type: 'click', selector: 'role=button' },
    { type: 'click', selector: 'internal:label="Name"i' },
    { type: 'click', selector: { css_selector: '#a', in_iframe: true } },
    { type: 'evaluate_js', code: '1' },
    { type: 'captcha_solve' },
    { type: 'form_fill', value: {} },
    { type: 'scrape', instructions: 'Extract prices' },
  ])('is refused as an action that cannot be done: %j', async body => {
    const answer = await call('POST', `/sessions/${id}/page/execute`, { body });
    expect(errorIn(answer)).toMatchObject({ error: 'not_supported' });
    expect(answer.headers.get('x-error-class')).toBe('NotteApiExecutionError');
  });

  it.each(['x y', '%2e%2e', 'a%00b', 'x'.repeat(65), '%'])('is an unknown session: %s', async odd => {
    const answer = await call('GET', `/sessions/${odd}`);
    expect([400, 404]).toContain(answer.status);
    errorIn(answer);
  });

  it.each(['ctx_1', 'notte-profile-0123456789abcdef', 'x'])('is an unknown profile: %s', async odd => {
    const unknown = { status: 404, error: 'context_not_found', message: 'There is no such profile.' };
    expect(errorIn(await call('GET', `/profiles/${odd}`))).toMatchObject(unknown);
    const body = { profile: { id: odd } };
    expect(errorIn(await call('POST', '/sessions/start', { body }))).toMatchObject(unknown);
  });
});
