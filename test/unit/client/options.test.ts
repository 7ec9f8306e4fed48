import { Browser } from '../../../src/client/browser';
import { startStubService, type StubService } from '../../support/stub-service';

describe('the options of a call', () => {
  let stub: StubService;
  let client: Browser;
  beforeEach(async () => {
    const body = { id: 'a', status: 'live', revision: 3, sessions: [], jobs: [], nextCursor: null };
    stub = await startStubService(() => ({ status: 201, body }));
    client = new Browser({ baseUrl: stub.url });
  });
  afterEach(() => stub.stop());

  const sent = (): unknown[] => stub.requests.map(({ body }) => JSON.parse(body) as unknown);
  /** As a JavaScript program may call it. */
  const untyped = (options: Record<string, unknown>): Record<string, never> =>
    // SAFETY: leaves the types out on purpose, as JavaScript does.
    options as Record<string, never>;

  it('of a create are sent without the options that examples of other services add', async () => {
    await client.sessions.create({
      adapter: 'puppeteer',
      timeout: 600_000,
      lambdatestOptions: { build: 'nightly', 'LT:Options': { video: true, tunnel: false } },
    });
    await client.sessions.create({ adapter: 'playwright', dimensions: { width: 800, height: 600 } });
    expect(sent()).toEqual([{ timeout: 600_000 }, { dimensions: { width: 800, height: 600 } }]);
  });

  it.each([
    [{ adapter: 'selenium' }, '/adapter'],
    [{ lambdatestOptions: { tunnel: true } }, '/lambdatestOptions/tunnel'],
    [
      { lambdatestOptions: { 'LT:Options': { geoLocation: 'DE' } } },
      '/lambdatestOptions/LT:Options/geoLocation',
    ],
    [{ lambdatestOptions: { proxyUrl: 'http://p' } }, '/lambdatestOptions/proxyUrl'],
  ])(
    'of a create are refused when the browser would use another route than requested: %j',
    async (options, pointer) => {
      const refusal = { code: 'not_supported', status: null, fields: [{ pointer }] };
      await expect(client.sessions.create(options)).rejects.toMatchObject(refusal);
      expect(stub.requests).toEqual([]);
    },
  );

  it('are sent with unknown names, which the service refuses', async () => {
    await client.sessions.create(untyped({ timeOut: 1 }));
    await client.sessions.releaseAll(untyped({ lableSelector: 'a=b', dryRun: true }));
    expect(sent()).toEqual([{ timeOut: 1 }, { lableSelector: 'a=b', dryRun: true }]);
    await client.sessions.list(untyped({ lableSelector: 'a=b', labelSelector: null }));
    await client.usage(untyped({ form: '2030-01-01' }));
    await client.jobs.list(untyped({ que: 'ingress' })).next();
    expect(stub.requests.slice(2).map(({ url }) => url)).toEqual([
      '/v1/sessions?lableSelector=a%3Db&labelSelector=',
      '/v1/usage?form=2030-01-01',
      '/v1/jobs?que=ingress',
    ]);
  });

  it('of a bulk release never select everything because a variable is unset', async () => {
    const labelSelector = process.env['HF_TEST_NOT_SET'];
    await expect(client.sessions.releaseAll(untyped({ labelSelector }))).rejects.toMatchObject({
      code: 'invalid_request',
      fields: [{ pointer: '/labelSelector' }],
    });
    expect(stub.requests).toEqual([]);
  });
});
