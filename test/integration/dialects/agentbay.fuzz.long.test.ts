import fc, { type Arbitrary } from 'fast-check';
import { AGENTBAY_CALLS } from '../../../src/http/dialects/agentbay/calls';
import { AgentBayWire, type RawRequest } from '../../support/agentbay';
import { startTestApi, type TestApi } from '../../support/api';
import { anyJson, anyText } from '../../support/schema-values';
import { scaled } from '../../support/slowdown';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

/** The number of requests; `npm run test:fuzz` sends more, and different ones each time. */
const RUNS = Number(process.env['HF_FUZZ_RUNS'] ?? 250);
const SEED = process.env['HF_FUZZ_RUNS'] === undefined ? { seed: 20_261 } : {};

/** The longest time that an answer may take if it does not wait on purpose. */
const ANSWER_WITHIN_MS = 2_500;

const NAMES = [
  ...['Action', 'Authorization', 'SessionId', 'Labels', 'MaxResults', 'NextToken', 'Status', 'ImageId'],
  ...[
    'PersistenceDataList',
    'Timeout',
    'MaxRuntime',
    'ManualRelease',
    'VpcResource',
    'NetworkId',
    'SdkStats',
  ],
  ...[
    'Name',
    'AllowCreate',
    'ContextId',
    'Id',
    'Path',
    'Mode',
    'TaskType',
    'PersistentPath',
    'BrowserOption',
  ],
  ...['Port', 'ProtocolType', '__proto__', 'constructor', ''],
];

const oddJson = fc.oneof(
  anyJson.map(value => JSON.stringify(value)),
  fc.constantFrom(
    '{',
    '[[',
    '{"a":null}',
    '{"__proto__":"x"}',
    '[{"ContextId":1}]',
    '['.repeat(20_000),
    'null',
    '""',
  ),
  anyText.map(text => JSON.stringify([{ ContextId: text, Path: '/tmp/agentbay_browser', Policy: text }])),
);

const valuesOf = (ids: readonly string[]): Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...ids) },
    { weight: 3, arbitrary: oddJson },
    {
      weight: 3,
      arbitrary: fc.constantFrom('1', '0', '-1', '1e9', '99999999999999999999', 'True', 'false', 'x'),
    },
    { weight: 3, arbitrary: anyText.map(text => Buffer.from(text.slice(0, 2_000)).toString()) },
  );

/* A form as a client would make it, or bytes that no client makes. */
function bodies(ids: readonly string[]): Arbitrary<string> {
  const pairs = fc.array(fc.tuple(fc.constantFrom(...NAMES), valuesOf(ids)), { maxLength: 6 });
  return fc.oneof(
    {
      weight: 8,
      arbitrary: pairs.map(given => new URLSearchParams(given).toString()),
    },
    fc.constantFrom('%', '%ff=%00', '&&&=', 'a'.repeat(300_000), 'Labels=' + '%7B'.repeat(50_000), '\0'),
  );
}

function requests(ids: readonly string[]): Arbitrary<RawRequest> {
  const actions = Object.values(AGENTBAY_CALLS).map(({ path }) => path.slice(1));
  const action = fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...actions) },
    fc.constantFrom(
      '',
      'livez',
      'v1',
      '__proto__',
      'a'.repeat(100),
      '%2e%2e',
      'createMcpSession',
      'GetLink/',
    ),
  );
  const key = fc.oneof(
    { weight: 8, arbitrary: fc.constant('&Authorization=Bearer+key-of-a') },
    fc.constantFrom('', '&Authorization=Bearer+wrong', '&Authorization=Bearer', '&Authorization=%ff'),
  );
  const type = fc.oneof(
    { weight: 8, arbitrary: fc.constant('application/x-www-form-urlencoded') },
    fc.constantFrom('application/x-www-form-urlencoded; charset=x', 'application/json', 'text/plain', 'x'),
  );
  // Every other method is a request to the native API.
  return fc.tuple(action, key, type, bodies(ids)).map(([called, given, contentType, body]) => ({
    ...{ method: 'POST', path: `/?Action=${called}${given}`, body },
    headers: { 'content-type': contentType },
  }));
}

describe("any request to AgentBay's API", () => {
  let dir: TempDir;
  let api: TestApi;
  let client: AgentBayWire;
  beforeAll(async () => {
    dir = await makeTempDir();
    const apiKeys = [{ tenant: 'a', key: 'key-of-a' }];
    api = await startTestApi({
      dataDir: dir.path,
      tls: { host: '127.0.0.1', port: 0, files: null },
      apiKeys,
    });
    client = await AgentBayWire.of(api.tlsUrl, dir.path, 'key-of-a');
  });
  afterAll(async () => {
    await api.stop();
    await dir.remove();
  });

  it('is answered in its form, in time, and never by a failure of the service', async () => {
    const { SessionId } = await client.data<{ SessionId: string }>('CreateMcpSession');
    const { Id } = await client.data<{ Id: string }>('GetContext', { Name: 'fuzz', AllowCreate: 'true' });
    await fc.assert(
      fc.asyncProperty(requests([SessionId, Id]), async request => {
        const startedMs = performance.now();
        const answered = await client.raw(request);
        expect(performance.now() - startedMs).toBeLessThan(scaled(ANSWER_WITHIN_MS));
        expect([200, 400, 404]).toContain(answered.status);
        expect(answered).toMatchObject({
          RequestId: expect.stringMatching(/./),
          HttpStatusCode: answered.status,
          Success: answered.status === 200,
        });
        if (answered.status === 200) expect(answered.Code).toBe('ok');
        else expect(answered.Code).not.toBe('ok');
      }),
      { numRuns: RUNS, ...SEED },
    );
  });
});
