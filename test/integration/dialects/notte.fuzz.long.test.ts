import fc from 'fast-check';
import { NOTTE_CALLS } from '../../../src/http/dialects/notte/calls';
import { startTestApi, type TestApi } from '../../support/api';
import { FUZZ_RUNS, fuzzParameters, requestsTo } from '../../support/dialect-fuzz';
import { sendRaw, type RawRequest } from '../../support/raw-http';
import { scaled } from '../../support/slowdown';

const ANSWER_WITHIN_MS = 2_500;

const JSON_TYPE = ['content-type', 'application/json'] as const;

const REQUESTS = requestsTo({
  mount: '/notte',
  calls: Object.values(NOTTE_CALLS),
  names: [
    ...['headless', 'max_duration_minutes', 'idle_timeout_minutes', 'timeout_minutes', 'timeoutMinutes'],
    ...['proxies', 'browser_type', 'user_agent', 'chrome_args', 'viewport_width', 'viewport_height'],
    ...['aspect_ratio', 'cdp_url', 'profile', 'auth_ids', 'extra_http_headers', 'cookies', 'name', 'value'],
    ...['type', 'url', 'selector', 'id', 'timeout', 'time_ms', 'amount', 'key', 'instructions'],
    ...['__proto__', ''],
  ],
  values: [
    ...[true, false, null, 0, 1, 15, 1_440, -1, 1.5, 1e300, '', 'goto', 'click', 'scrape', 'chromium', '5:4'],
    ...['#a', '//a', 'xpath=', 'css=', 'https://x.test/', 'ctx_00000000-0000-7000-8000-000000000000', [], {}],
    ...[[{ type: 'external', server: 'http://p.test:1' }], [{ type: 'notte' }], { id: 'x', persist: true }],
    [{ name: 'a', value: 'b', domain: 'x.test', path: '/', httpOnly: false, expires: 1e20 }],
  ],
  queryNames: ['page', 'page_size', 'only_active', 'status', 'tab_idx', 'name'],
  queryValues: ['True', 'false', '1', '0', '2', '100', '1e3', '-1', ''],
  // The stand-in browser answers no page call: those are about sessions that have ended, or are unknown.
  idsFor: ({ path }) =>
    path.includes('/page/') ? ['ended-1', 'unknown'] : ['live-1', 'ended-1', 'unknown', '%00', '..'],
  headers: [['authorization', 'Bearer acme-key-1']],
  bodyHeaders: [
    [JSON_TYPE],
    [JSON_TYPE, ['idempotency-key', 'k']],
    [JSON_TYPE, ['idempotency-key', 'ü']],
    [['content-type', 'text/plain']],
    [],
  ],
});

describe("any request to Notte's API", () => {
  let api: TestApi;
  beforeAll(async () => (api = await startTestApi({ apiKeys: [{ tenant: 'acme', key: 'acme-key-1' }] })));
  afterAll(() => api.stop());

  const check = async (asked: RawRequest): Promise<void> => {
    const { status, headers: answered, text, tookMs } = await sendRaw(api.url, asked, 10_000);
    expect(tookMs).toBeLessThan(scaled(ANSWER_WITHIN_MS));
    expect(answered['content-type']).toMatch(/^application\/json/);
    const body = JSON.parse(text) as Record<string, unknown>;
    if (status === 200) {
      expect(body).not.toHaveProperty('detail');
      return;
    }
    // 502: the stand-in browser has no cookies.
    if (status !== 502) expect(status).toBeLessThan(500);
    expect(body).toEqual({
      message: expect.stringMatching(/./) as unknown,
      status,
      error: expect.stringMatching(/^[a-z_]+$/) as unknown,
      detail: expect.anything() as unknown,
      session_id: body['session_id'],
    });
  };

  it(
    'is answered in its form, in time, and never with a 5xx',
    async () => {
      const key = { authorization: 'Bearer acme-key-1' };
      for (const id of ['live-1', 'ended-1']) await api.createLive({ sessionId: id }, key);
      await api.call('DELETE', '/v1/sessions/ended-1', { headers: key });
      await fc.assert(fc.asyncProperty(REQUESTS, check), fuzzParameters(20_261));
      expect(await api.call('GET', '/readyz')).toMatchObject({ status: 200 });
    },
    30_000 + FUZZ_RUNS * 50,
  );
});
