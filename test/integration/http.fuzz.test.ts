import fc, { type Arbitrary } from 'fast-check';
import type { OpenApiDocument } from '../../src/http/openapi/open-api';
import { startTestApi, type TestApi } from '../support/api';
import { Contract, type PlacedOperation } from '../support/openapi';
import { inheritedNames } from '../support/prototypes';
import { sendRaw, type RawRequest } from '../support/raw-http';
import { anyJson, anyText, valuesFor } from '../support/schema-values';
import { scaled } from '../support/slowdown';

/** The number of requests; `npm run test:fuzz` sends more, and different ones each time. */
const RUNS = Number(process.env['HF_FUZZ_RUNS'] ?? 400);
const SEED = process.env['HF_FUZZ_RUNS'] === undefined ? { seed: 20_260 } : {};

/** The longest time that an answer may take if it does not wait on purpose. */
const ANSWER_WITHIN_MS = 2_500;

const PROBLEM = { allOf: [{ $ref: '#/components/schemas/Problem' }] };
const KEY = ['x-api-key', 'acme-key-1'] as const;
type Header = readonly [name: string, value: string];

/* Values that a URL can carry: no lone surrogate, and not more than fits into a header. */
const wellFormed = (text: string): string => Buffer.from(text.slice(0, 2_000)).toString();

/* Node sends header values as Latin-1, and refuses control characters itself. */
const headerValue = fc
  .oneof(
    fc.string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map(code => String.fromCharCode(code)),
      maxLength: 60,
    }),
    fc.constantFrom(
      '',
      '*',
      '"1"',
      'W/"1"',
      '"',
      'wait=1',
      'wait=0',
      'wait=-1',
      'respond-async',
      ',',
      ';=',
      'x'.repeat(9_000),
    ),
  )
  .filter(value => !value.includes('\x7f'));

const paths = (path: string, ids: readonly string[]): Arbitrary<string> =>
  fc
    .oneof(
      { weight: 6, arbitrary: fc.constantFrom(...ids) },
      { weight: 3, arbitrary: anyText.map(text => encodeURIComponent(wellFormed(text))) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('%', '%ff', '%00', '..', '%2e%2e%2f', 'a%2fb', 'release', '.', '~'),
      },
    )
    .map(id => path.replaceAll(/\{\w+\}/g, () => id));

function queries({ operation }: PlacedOperation): Arbitrary<string> {
  const known = operation.parameters.filter(({ in: where }) => where === 'query');
  const pair = fc
    .tuple(
      fc.constantFrom(...known.map(({ name }) => name), 'unknown', 'limit[]', 'status[a]', '__proto__', ''),
      fc.oneof(...known.map(({ schema }) => valuesFor(schema)), anyText),
    )
    .map(
      ([name, value]) =>
        `${encodeURIComponent(name)}=${encodeURIComponent(wellFormed(typeof value === 'string' ? value : JSON.stringify(value)))}`,
    );
  return fc.array(pair, { maxLength: 4 }).map(pairs => (pairs.length === 0 ? '' : `?${pairs.join('&')}`));
}

function headersFor({ operation }: PlacedOperation): Arbitrary<Header[]> {
  const names = operation.parameters.filter(({ in: where }) => where === 'header').map(({ name }) => name);
  const odd = fc.tuple(
    fc.constantFrom(
      ...names,
      'X-Request-Id',
      'Accept',
      'Authorization',
      'Origin',
      'Sec-Fetch-Site',
      'Content-Encoding',
      'X-Forwarded-For',
    ),
    headerValue,
  );
  const keys = fc.oneof(
    { weight: 12, arbitrary: fc.constant<Header[]>([KEY]) },
    fc.constantFrom<Header[][]>(
      [],
      [KEY, KEY],
      [['x-api-key', 'wrong']],
      [['authorization', 'Bearer acme-key-1']],
    ),
  );
  const hosts = fc.oneof(
    { weight: 20, arbitrary: fc.constant<Header[]>([]) },
    fc.constantFrom<Header[][]>(
      [['Host', 'evil.example']],
      [['Host', '']],
      [
        ['Host', 'localhost'],
        ['Host', 'localhost'],
      ],
    ),
  );
  return fc.tuple(keys, hosts, fc.array(odd, { maxLength: 3 })).map(parts => parts.flat());
}

function bodies({ operation }: PlacedOperation): Arbitrary<{ body?: string; headers: Header[] }> {
  const schema = operation.requestBody?.content['application/json']?.schema;
  const types = fc.oneof(
    { weight: 8, arbitrary: fc.constant<Header[]>([['Content-Type', 'application/json']]) },
    fc.constantFrom<Header[][]>(
      [],
      [['Content-Type', 'text/plain']],
      [['Content-Type', 'application/json; charset=x']],
      [['Content-Type', '']],
    ),
  );
  const json = (schema === undefined ? anyJson : valuesFor(schema)).map(value => JSON.stringify(value));
  const text = fc.oneof({ weight: 5, arbitrary: json }, anyText, fc.constant(`[${'['.repeat(50_000)}`));
  const given = fc.tuple(types, text).map(([headers, body]) => ({ body, headers }));
  const none = fc.constant({ headers: [] as Header[] });
  return fc.oneof({ weight: schema === undefined ? 1 : 8, arbitrary: given }, { weight: 3, arbitrary: none });
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE'];

function requestsTo(placed: PlacedOperation, ids: readonly string[]): Arbitrary<RawRequest> {
  const method = fc.oneof({ weight: 8, arbitrary: fc.constant(placed.method) }, fc.constantFrom(...METHODS));
  return fc
    .tuple(method, paths(placed.path, ids), queries(placed), headersFor(placed), bodies(placed))
    .map(([name, path, query, headers, { body, headers: bodyHeaders }]) => ({
      method: name,
      path: path + query,
      // A request that is too large is answered before its method is read, so even a HEAD may get a body.
      headers: [...headers, ...bodyHeaders].filter(([, value]) => name !== 'HEAD' || value.length < 5_000),
      ...(body === undefined ? {} : { body }),
    }));
}

describe('any request', () => {
  let api: TestApi;
  let contract: Contract;
  beforeAll(async () => {
    api = await startTestApi({ apiKeys: [{ tenant: 'acme', key: 'acme-key-1' }] });
    contract = new Contract((await api.call('GET', '/openapi.json')).body as unknown as OpenApiDocument);
  });
  afterAll(() => api.stop());

  const check = async (asked: RawRequest): Promise<void> => {
    const answer = await sendRaw(api.url, asked, 10_000);
    const { status, headers, text } = answer;
    expect(answer.tookMs).toBeLessThan(scaled(ANSWER_WITHIN_MS));
    // The stand-in browser has no pages; nothing else may fail with a 5xx.
    if (status !== 502) expect(status).toBeLessThan(500);
    if (asked.method === 'HEAD') {
      expect(text).toBe('');
      return;
    }
    const contentType = headers['content-type'];
    if (status >= 400) {
      expect(contentType).toMatch(/^application\/problem\+json/);
      expect(contract.wrongBySchema(PROBLEM, JSON.parse(text))).toEqual([]);
      expect(JSON.parse(text)).toMatchObject({ status });
    }
    if (status === 405) expect(headers['allow']).toMatch(/^[A-Z]+(, [A-Z]+)*$/);
    const placed = contract.find(asked.method, asked.path.split('?', 1)[0] ?? '');
    // 404 `not_found` and 431 come before any route.
    if (placed === undefined || status === 431 || text.includes('"code":"not_found"')) return;
    expect(contract.breaches(placed, { status, contentType, text })).toEqual([]);
  };

  it(
    'is answered as documented, in time, and never with a 5xx',
    async () => {
      const headers = { [KEY[0]]: KEY[1] };
      for (const id of ['live-1', 'live-2', 'ended-1']) await api.createLive({ sessionId: id }, headers);
      await api.call('DELETE', '/v1/sessions/ended-1', { headers });
      const requests = fc
        .constantFrom(...contract.operations)
        .chain(placed => requestsTo(placed, ['live-1', 'live-2', 'ended-1', 'unknown']));
      const inherited = inheritedNames();
      await fc.assert(fc.asyncProperty(requests, check), { ...SEED, numRuns: RUNS });
      // S24: the API runs in this process.
      expect(inheritedNames()).toEqual(inherited);
      expect(await api.call('GET', '/readyz')).toMatchObject({ status: 200 });
      expect(await api.createLive({}, headers)).toMatchObject({ status: 'live' });
    },
    30_000 + RUNS * 50,
  );
});
