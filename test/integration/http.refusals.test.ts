import { Browser } from '../../src/client/browser';
import { startTestApi, type Answer, type TestApi } from '../support/api';

describe('an unknown or empty name', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.stop());

  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> =>
    api.call(method, path, { body });
  const refused = (pointer: string, message: unknown = expect.any(String)): object => ({
    status: 422,
    body: { code: 'invalid_request', retryable: false, errors: [{ pointer, message }] },
  });
  const liveCount = async (): Promise<number> =>
    Number((await ask('POST', '/v1/sessions/release', { dryRun: true })).body['matched']);

  it.each([
    [{ timeOut: 60_000 }, '/timeOut', /not known .*; did you mean `timeout`\?$/],
    [{ proxyUrl: 'http://proxy.example:3128' }, '/proxyUrl', /did you mean `proxy`\?$/],
    [{ solveCaptcha: true }, '/solveCaptcha', /not known to this version of the service$/],
    [{ keepAlive: true }, '/keepAlive', /not known/],
    [{ sessionContext: {} }, '/sessionContext', /not known/],
    [{ proxy: { server: 'http://p.example:1', user: 'ann' } }, '/proxy/user', /did you mean `username`\?$/],
  ])('in a create is refused, and makes no session: %j', async (body, pointer, message) => {
    const before = await liveCount();
    expect(await ask('POST', '/v1/sessions', body)).toMatchObject(
      refused(pointer, expect.stringMatching(message)),
    );
    expect(await liveCount()).toBe(before);
  });

  it.each(['', '%20', ',', 'team===a', 'team%3Da,', 'team!=', 'team=a&labelSelector=team=b'])(
    'as the selector %j neither lists nor releases everything',
    async selector => {
      await api.createLive();
      const before = await liveCount();
      const query = `labelSelector=${selector}`;
      expect(await ask('GET', `/v1/sessions?${query}`)).toMatchObject(refused('query/labelSelector'));
      const all = await ask('POST', `/v1/sessions/release?${query}`);
      expect(all).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
      expect(await liveCount()).toBe(before);
    },
  );

  it.each([
    ['', 'must not be empty: leave it out to select all'],
    [',', 'must not have an empty term: remove the extra comma'],
    [null, expect.any(String)],
  ])('as the selector %j in a body releases nothing', async (labelSelector, message) => {
    expect(await ask('POST', '/v1/sessions/release', { labelSelector })).toMatchObject(
      refused('/labelSelector', message),
    );
  });

  it.each([
    ['GET', '/v1/sessions?lableSelector=a%3Db', 'lableSelector', /did you mean `labelSelector`\?$/],
    ['GET', '/v1/sessions?labelSelector[]=a', 'labelSelector[]', /did you mean `labelSelector`\?$/],
    ['GET', '/v1/sessions?Limit=1', 'Limit', /did you mean `limit`\?$/],
    ['GET', '/v1/sessions?limit=1&limit=2', 'limit', /^must be given only once$/],
    ['GET', '/v1/sessions?__proto__=1', '__proto__', /not known/],
    ['POST', '/v1/sessions/release?lableSelector=a%3Db', 'lableSelector', /`labelSelector`/],
    ['POST', '/v1/sessions/release?dryRun=true&dryRun=true', 'dryRun', /only once/],
    ['POST', '/v1/sessions?timeout=1000', 'timeout', /not known/],
    ['GET', '/v1/usage?form=2030-01-01', 'form', /did you mean `from`\?$/],
    ['GET', '/v1/jobs?que=ingress', 'que', /did you mean `queue`\?$/],
    ['GET', '/v1/events?labelSelector=a%3Db', 'labelSelector', /not known/],
    ['GET', '/v1/events?since=1-1&since=2-2', 'since', /only once/],
    ['GET', '/v1/sessions/x/events/stream?Since=1', 'Since', /did you mean `since`\?$/],
  ])('in the query of %s %s is refused', async (method, path, name, message) => {
    expect(await ask(method, path)).toMatchObject(refused(`query/${name}`, expect.stringMatching(message)));
  });

  it('in the query of a probe does no harm', async () => {
    for (const path of ['/livez?ts=1', '/readyz?ts=1', '/docs?x', '/openapi.json?x=1'])
      expect([path, (await ask('GET', path)).status]).toEqual([path, 200]);
  });

  it('is reported by the client library as the service reports it', async () => {
    const client = new Browser({ baseUrl: api.url });
    const misspelt: Record<string, unknown> = { timeOut: 60_000 };
    await expect(client.sessions.create(misspelt)).rejects.toMatchObject({
      code: 'invalid_request',
      status: 422,
      fields: [{ pointer: '/timeOut', message: expect.stringContaining('did you mean `timeout`?') }],
    });
    const lists: Record<string, unknown>[] = [{ labelSelector: '' }, { lableSelector: 'a=b' }];
    for (const options of lists) {
      const refusal = { code: 'invalid_request', status: 422 };
      await expect(client.sessions.list(options)).rejects.toMatchObject(refusal);
      await expect(client.sessions.releaseAll(options)).rejects.toMatchObject(refusal);
    }
  });

  it('is sent to an older service too, which names the fields that it does not know', async () => {
    expect(await ask('POST', '/v1/sessions', { invisible: true, timeout: 60_000 })).toMatchObject(
      refused('/invisible', 'is not known to this version of the service'),
    );
  });
});
