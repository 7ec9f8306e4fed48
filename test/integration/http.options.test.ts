import { keys } from '../../src/redis/keys';
import { refOf } from '../../src/core/ids';
import { startTestApi, type TestApi } from '../support/api';

const PASSWORD = 'hunter2-hunter2';
const COOKIE = 'deadbeef-deadbeef';
const BODY = {
  dimensions: { width: 390, height: 844 },
  deviceScaleFactor: 3,
  userAgent: 'Sample/1.0',
  locale: 'de-DE',
  timezone: 'Europe/Berlin',
  proxy: { server: 'socks5://proxy.example:1080', username: 'ada-lovelace', password: PASSWORD },
  cookies: [{ name: 'sid', value: COOKIE, domain: 'example.org' }],
};
const VIEW = {
  ...BODY,
  cookies: undefined,
  headless: true,
  proxy: { server: 'socks5://proxy.example:1080' },
};

describe('the options of a session over HTTP', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.stop());
  beforeEach(() => {
    api.worker.launches = 'live';
  });

  const sealedOf = async (id: string): Promise<string | null | undefined> => {
    const { record } = await api.deps.sessions.load(refOf('default', id));
    return record?.snapshot.context.sealed;
  };

  /** All data in Redis, as text; not by `DUMP`, because that compresses. */
  async function everything(): Promise<string> {
    const { redis } = api.deps;
    const read = async (key: string): Promise<unknown> => {
      switch (await redis.type(key)) {
        case 'hash':
          return redis.hgetall(key);
        case 'list':
          return redis.lrange(key, 0, -1);
        case 'stream':
          return redis.xrange(key, '-', '+');
        case 'zset':
          return redis.zrange(key, '0', '-1');
        case 'set':
          return redis.smembers(key);
        default:
          return redis.get(key);
      }
    };
    const held = (await redis.keys('*')).map(async key => [key, await read(key)]);
    return JSON.stringify(await Promise.all(held));
  }

  const queued = async (body: object = BODY): Promise<string> => {
    api.worker.launches = 'ignored';
    const headers = { prefer: 'respond-async' };
    return String((await api.call('POST', '/v1/sessions', { body, headers })).body['id']);
  };

  it('are shown to every reader of the session, except credentials and cookies', async () => {
    const created = await api.createLive(BODY);
    expect(created).toMatchObject(JSON.parse(JSON.stringify(VIEW)) as object);
    const answers = [
      created,
      (await api.call('GET', `/v1/sessions/${created.id}`)).body,
      (await api.call('GET', '/v1/sessions')).body,
      (await api.call('GET', `/v1/sessions/${created.id}/events`)).body,
    ];
    for (const told of ['ada-lovelace', PASSWORD, COOKIE, 'sealed']) {
      expect(JSON.stringify(answers)).not.toContain(told);
    }
  });

  it('are stored in Redis, sealed, until the browser is ready', async () => {
    const id = await queued();
    expect(await sealedOf(id)).toEqual(expect.any(String));
    const held = await everything();
    expect(held).toContain(keys.row(refOf('default', id)));
    for (const secret of ['ada-lovelace', PASSWORD, COOKIE]) expect(held).not.toContain(secret);
    api.worker.launches = 'live';
    const live = await api.createLive(BODY);
    expect(await sealedOf(live.id)).toBeNull();
  });

  it('are removed from Redis when the session ends before it was live', async () => {
    const released = await queued();
    await api.call('DELETE', `/v1/sessions/${released}`);
    expect(await sealedOf(released)).toBeNull();
    const expired = await queued({ ...BODY, queueTimeout: 1_000 });
    await api.call('GET', `/v1/sessions/${expired}`, {
      headers: { 'if-none-match': '"1"', prefer: 'wait=10' },
    });
    expect(await sealedOf(expired)).toBeNull();
  });

  it('are part of the request that an Idempotency-Key names', async () => {
    const headers = { 'idempotency-key': 'options-1' };
    const first = await api.createLive(BODY, headers);
    const again = await api.createLive({ ...BODY, cookies: BODY.cookies.map(one => ({ ...one })) }, headers);
    expect(again.id).toBe(first.id);
    for (const other of [
      { ...BODY, locale: 'de-AT' },
      { ...BODY, proxy: { ...BODY.proxy, password: 'hunter3' } },
      { ...BODY, cookies: [] },
    ]) {
      expect(await api.call('POST', '/v1/sessions', { body: other, headers })).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused' },
      });
    }
  });

  it('are refused with the field that is wrong', async () => {
    const body = {
      dimensions: { width: 10, height: 10 },
      proxy: { server: `http://ada:${PASSWORD}@proxy:1` },
    };
    const answer = await api.call('POST', '/v1/sessions', { body });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
    const pointers = (answer.body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer);
    expect(pointers).toEqual(['/dimensions/width', '/dimensions/height', '/proxy/server']);
    expect(JSON.stringify(answer.body)).not.toContain(PASSWORD);
  });

  it('are refused as not_supported when they are not built yet', async () => {
    expect(await api.call('POST', '/v1/sessions', { body: { recording: true, locale: 'de' } })).toMatchObject(
      {
        status: 422,
        body: { code: 'not_supported', errors: [{ pointer: '/recording' }] },
      },
    );
  });
});
