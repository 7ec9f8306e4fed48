import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { TESTMU_CALLS } from '../../../src/http/dialects/testmu/calls';
import { startTestApi, type TestApi } from '../../support/api';
import { FUZZ_RUNS, fuzzParameters, requestsTo } from '../../support/dialect-fuzz';
import { sendRaw, type RawRequest } from '../../support/raw-http';
import { anyJson, anyText } from '../../support/schema-values';
import { scaled } from '../../support/slowdown';

const ANSWER_WITHIN_MS = 2_500;

const BASIC = ['authorization', `Basic ${Buffer.from('someone:acme-key-1').toString('base64')}`] as const;

const REQUESTS = requestsTo({
  mount: '/testmu',
  calls: Object.values(TESTMU_CALLS),
  names: ['capabilities', 'alwaysMatch', 'LT:Options', '__proto__', ''],
  values: [true, null, 0, '', 'Chrome', [], {}],
  queryNames: ['limit', 'offset', 'capabilities'],
  queryValues: ['1', '0', '-1', '100', '1e3', '{}', ''],
  idsFor: () => ['some-id'],
  headers: [BASIC],
  bodyHeaders: [[['content-type', 'application/json']], [['content-type', 'text/plain']], []],
});

const NAMES = [
  ...['name', 'build', 'project', 'resolution', 'headless', 'proxy', 'proxyUrl', 'timeout', 'idleTimeout'],
  ...['username', 'accessKey', 'tunnel', 'geoLocation', 'region', 'video', '__proto__', ''],
] as const;
const VALUES = fc.constantFrom<unknown>(
  ...[true, false, null, 0, 1, 900, 300_000, -1, 1.5, 1e300, '', 'x', '1920x1080', '0x0', '99999x1', [], {}],
  { server: 'http://p.test:1' },
);
const options = fc.dictionary(fc.constantFrom(...NAMES), fc.oneof(VALUES, anyJson), { maxKeys: 5 });
/* What does not fit into the head of a request is refused by the listener, before any door. */
const HEAD_MAX = 12_000;
const capabilities = fc
  .oneof(
    { weight: 6, arbitrary: options.map(given => JSON.stringify({ 'LT:Options': given })) },
    { weight: 1, arbitrary: anyJson.map(value => JSON.stringify(value)) },
    { weight: 1, arbitrary: anyText.map(text => Buffer.from(text.slice(0, 500)).toString()) },
  )
  .filter(text => encodeURIComponent(text).length < HEAD_MAX);

describe("anything sent to TestMu AI's addresses", () => {
  let api: TestApi;
  beforeAll(async () => (api = await startTestApi({ apiKeys: [{ tenant: 'acme', key: 'acme-key-1' }] })));
  afterAll(() => api.stop());

  const checkRequest = async (asked: RawRequest): Promise<void> => {
    const { status, headers, text, tookMs } = await sendRaw(api.url, asked, 10_000);
    expect(tookMs).toBeLessThan(scaled(ANSWER_WITHIN_MS));
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(status).toBeLessThan(500);
    if (status >= 400)
      expect(JSON.parse(text)).toMatchObject({ status, message: expect.stringMatching(/./) as unknown });
  };

  it(
    'over HTTP is answered in its form, in time, and never with a 5xx',
    async () => {
      await fc.assert(fc.asyncProperty(REQUESTS, checkRequest), fuzzParameters(20_263));
    },
    30_000 + FUZZ_RUNS * 50,
  );

  /* Connected, or refused with a coded error that repeats nothing of what may be a key. */
  const checkConnection = async (text: string): Promise<void> => {
    const url = `${api.url.replace('http', 'ws')}/testmu/puppeteer?capabilities=${encodeURIComponent(text)}`;
    const socket = new WebSocket(url, { headers: Object.fromEntries([BASIC]) });
    socket.on('error', () => undefined);
    try {
      // SAFETY: the event of a refusal has the request and the response.
      const [, response] = (await Promise.any([
        once(socket, 'open').then(() => []),
        once(socket, 'unexpected-response'),
      ])) as [unknown?, IncomingMessage?];
      if (response === undefined) return;
      expect(response.statusCode).toBeLessThan(500);
      expect(response.headers['content-type']).toBe('application/json');
      response.resume();
    } finally {
      socket.terminate();
    }
  };

  it(
    'as capabilities makes a session or a refusal, and never a 5xx',
    async () => {
      const parameters = fuzzParameters<string>(20_264, Math.ceil(FUZZ_RUNS / 3));
      await fc.assert(fc.asyncProperty(capabilities, checkConnection), parameters);
      expect(await api.call('GET', '/readyz')).toMatchObject({ status: 200 });
    },
    60_000 + FUZZ_RUNS * 100,
  );
});
