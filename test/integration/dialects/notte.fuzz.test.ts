import fc, { type Arbitrary } from 'fast-check';
import type { DialectCall } from '../../../src/http/dialects/dialect';
import { NOTTE_CALLS } from '../../../src/http/dialects/notte/calls';
import { startTestApi, type TestApi } from '../../support/api';
import { sendRaw, type RawRequest } from '../../support/raw-http';
import { anyJson, anyText } from '../../support/schema-values';
import { scaled } from '../../support/slowdown';

/** The number of requests; `npm run test:fuzz` sends more, and different ones each time. */
const RUNS = Number(process.env['HF_FUZZ_RUNS'] ?? 300);
const SEED = process.env['HF_FUZZ_RUNS'] === undefined ? { seed: 20_261 } : {};

const ANSWER_WITHIN_MS = 2_500;

const CALLS: readonly DialectCall[] = Object.values(NOTTE_CALLS);

const NAMES = [
  ...['headless', 'max_duration_minutes', 'idle_timeout_minutes', 'timeout_minutes', 'timeoutMinutes'],
  ...['proxies', 'browser_type', 'user_agent', 'chrome_args', 'viewport_width', 'viewport_height'],
  ...['aspect_ratio', 'cdp_url', 'profile', 'auth_ids', 'extra_http_headers', 'cookies', 'name', 'value'],
  ...[
    'type',
    'url',
    'selector',
    'id',
    'timeout',
    'time_ms',
    'amount',
    'key',
    'instructions',
    '__proto__',
    '',
  ],
] as const;
const TYPICAL = fc.constantFrom<unknown>(
  ...[true, false, null, 0, 1, 15, 1_440, -1, 1.5, 1e300, '', 'goto', 'click', 'scrape', 'chromium', '5:4'],
  ...['#a', '//a', 'xpath=', 'css=', 'https://x.test/', 'ctx_00000000-0000-7000-8000-000000000000', [], {}],
  ...[[{ type: 'external', server: 'http://p.test:1' }], [{ type: 'notte' }], { id: 'x', persist: true }],
  [{ name: 'a', value: 'b', domain: 'x.test', path: '/', httpOnly: false, expires: 1e20 }],
);

const wellFormed = (text: string): string => Buffer.from(text.slice(0, 1_000)).toString();

const json = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.dictionary(fc.constantFrom(...NAMES), fc.oneof(TYPICAL, anyJson), { maxKeys: 6 }),
  },
  { weight: 1, arbitrary: anyJson },
);
const bodies = fc.oneof(
  { weight: 6, arbitrary: json.map(value => JSON.stringify(value)) },
  anyText,
  fc.constantFrom('{', '[['.repeat(5_000), '{}', ' '),
);
const queries = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'page',
        'page_size',
        'only_active',
        'status',
        'tab_idx',
        'name',
        'x',
        'page[]',
        '__proto__',
      ),
      fc.oneof(fc.constantFrom('True', 'false', '1', '0', '2', '100', '1e3', '-1', ''), anyText),
    ),
    { maxLength: 3 },
  )
  .map(
    pairs => `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(wellFormed(value))}`).join('&')}`,
  );
const headers = fc.constantFrom<(readonly [string, string])[]>(
  [['content-type', 'application/json']],
  [
    ['content-type', 'application/json'],
    ['idempotency-key', 'k'],
  ],
  [
    ['content-type', 'application/json'],
    ['idempotency-key', 'ü'],
  ],
  [['content-type', 'text/plain']],
  [],
);

/* The stand-in browser answers no page call: those are about sessions that have ended, or are unknown. */
function requestTo(call: DialectCall): Arbitrary<RawRequest> {
  const ids = call.path.includes('/page/')
    ? ['ended-1', 'unknown']
    : ['live-1', 'ended-1', 'unknown', '%00', '..'];
  return fc
    .tuple(fc.constantFrom(...ids), queries, headers, bodies, fc.boolean())
    .map(([id, query, given, body, hasSlash]) => ({
      method: call.method,
      path: `/notte${call.path.replaceAll(/\{\w+\}/g, id)}${hasSlash ? '/' : ''}${query}`,
      headers: [['authorization', 'Bearer acme-key-1'], ...(call.method === 'GET' ? [] : given)],
      ...(call.method === 'GET' ? {} : { body }),
    }));
}

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
      const requests = fc.constantFrom(...CALLS).chain(requestTo);
      await fc.assert(fc.asyncProperty(requests, check), { ...SEED, numRuns: RUNS });
      expect(await api.call('GET', '/readyz')).toMatchObject({ status: 200 });
    },
    30_000 + RUNS * 50,
  );
});
