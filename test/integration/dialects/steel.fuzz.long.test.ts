import fc from 'fast-check';
import { STEEL_CALLS } from '../../../src/http/dialects/steel/calls';
import { startTestApi, type TestApi } from '../../support/api';
import { FUZZ_RUNS, fuzzParameters, requestsTo } from '../../support/dialect-fuzz';
import { sendRaw, type RawRequest } from '../../support/raw-http';
import { scaled } from '../../support/slowdown';

const ANSWER_WITHIN_MS = 2_500;

const UUID = '019a0000-0000-7000-8000-00000000000';
const LIVE = `${UUID}1`;
const ENDED = `${UUID}2`;
const UNKNOWN = `${UUID}3`;

const JSON_TYPE = ['content-type', 'application/json'] as const;

const REQUESTS = requestsTo({
  mount: '/steel',
  calls: Object.values(STEEL_CALLS),
  names: [
    ...['sessionId', 'timeout', 'inactivityTimeout', 'dimensions', 'userAgent', 'headless', 'proxyUrl'],
    ...['useProxy', 'sessionContext', 'profileId', 'persistProfile', 'isSelenium', 'maxRetries', 'url'],
    ...['action', 'coordinates', 'keys', 'text', 'duration', 'screenshot', 'format', 'fullPage', 'delay'],
    ...['file', 'path', '__proto__', ''],
  ],
  values: [
    ...[
      true,
      false,
      null,
      0,
      1,
      1_000,
      300_000,
      -1,
      1.5,
      1e300,
      '',
      'take_screenshot',
      'move_mouse',
      'scroll',
    ],
    ...[LIVE, 'https://x.test/', 'http://u:p@p.test:1', 'x', [], {}, [1, 2], ['Control', 'a'], ['markdown']],
    ...[{ width: 800, height: 600 }, { width: '1' }, { server: 'http://p.test:1' }],
    {
      cookies: [{ name: 'a', value: 'b', domain: 'x.test' }],
      localStorage: { 'https://x.test': { a: 'b' } },
    },
  ],
  queryNames: ['status', 'limit', 'cursorId', 'projectId', 'pageId', 'compressed', 'pointer'],
  queryValues: ['live', 'released', 'failed', '1', '0', '100', '101', '-1', '', UNKNOWN, LIVE],
  // The stand-in browser answers nothing that is asked of pages.
  idsFor: ({ path }) =>
    /computer|context|live-details/.test(path)
      ? [ENDED, UNKNOWN, 'x']
      : [LIVE, ENDED, UNKNOWN, 'x', '%00', '..', '%ff'],
  headers: [['steel-api-key', 'acme-key-1']],
  bodyHeaders: [
    [JSON_TYPE],
    [JSON_TYPE, ['x-stainless-retry-count', '1']],
    [['content-type', 'text/plain']],
    [['content-type', 'multipart/form-data; boundary=b']],
    [],
  ],
});

describe("any request to Steel's API", () => {
  let api: TestApi;
  beforeAll(async () => (api = await startTestApi({ apiKeys: [{ tenant: 'acme', key: 'acme-key-1' }] })));
  afterAll(() => api.stop());

  const check = async (asked: RawRequest): Promise<void> => {
    const { status, headers, text, tookMs } = await sendRaw(api.url, asked, 30_000);
    expect(tookMs).toBeLessThan(scaled(ANSWER_WITHIN_MS));
    if (status === 204) return;
    if (status < 300) {
      expect(headers['content-type']).toMatch(/^application\/(json|zip|octet-stream)/);
      return;
    }
    expect(headers['content-type']).toMatch(/^application\/json/);
    // 502: the stand-in browser is none that could be worked with.
    if (status !== 502) expect(status).toBeLessThan(500);
    expect(JSON.parse(text)).toMatchObject({ status, message: expect.stringMatching(/./) as unknown });
    // What will not heal is not tried again.
    if ([408, 409, 429].includes(status)) expect(headers['x-should-retry']).toBe('false');
  };

  it(
    'is answered in its form, in time, and never with a 5xx',
    async () => {
      const key = { authorization: 'Bearer acme-key-1' };
      for (const sessionId of [LIVE, ENDED]) await api.createLive({ sessionId }, key);
      await api.call('DELETE', `/v1/sessions/${ENDED}`, { headers: key });
      await fc.assert(fc.asyncProperty(REQUESTS, check), fuzzParameters(20_262));
      expect(await api.call('GET', '/readyz')).toMatchObject({ status: 200 });
    },
    60_000 + FUZZ_RUNS * 100,
  );
});
