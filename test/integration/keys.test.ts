import { once } from 'node:events';
import type WebSocket from 'ws';
import { createLogger } from '../../src/core/logger';
import { KeyRing } from '../../src/engine/key-ring';
import { KEYS_MAX } from '../../src/store/key-store';
import { keys as redisKeys } from '../../src/redis/keys';
import { callApi, KEYS_OF_ADMIN_AND_OTHER, startTestApi, type Answer, type TestApi } from '../support/api';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';
import { readEvents } from '../support/sse';
import { tryUpgrade } from '../support/upgrade';

const ADMIN = { 'x-api-key': 'acme-key-1' };

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    apiKeys: KEYS_OF_ADMIN_AND_OTHER,
  });
});
afterAll(() => api.stop());

interface Created {
  readonly id: string;
  readonly key: string;
}

const ask = async (method: string, path: string, key: string, body?: unknown): Promise<Answer> =>
  api.call(method, path, { headers: { 'x-api-key': key }, ...(body === undefined ? {} : { body }) });

async function create(body: Record<string, unknown> = {}): Promise<Created> {
  const asked = { name: 'a key', scopes: ['sessions'], ...body };
  const { status, body: answered } = await api.call('POST', '/v1/keys', { headers: ADMIN, body: asked });
  expect([status, answered['code']]).toEqual([201, undefined]);
  return { id: String(answered['id']), key: String(answered['key']) };
}

const revoke = async (id: string): Promise<Answer> =>
  api.call('DELETE', `/v1/keys/${id}`, { headers: ADMIN });

describe('API keys', () => {
  it('are shown once, and then listed without the key, newest first, page by page', async () => {
    const body = { name: 'nightly', scopes: ['view', 'jobs'], tenant: 'gamma', expiresIn: 3_600_000 };
    const answer = await api.call('POST', '/v1/keys', { headers: ADMIN, body });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toContain('no-store');
    const { key, ...shown } = answer.body;
    expect(shown).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      ...{ name: 'nightly', tenant: 'gamma', scopes: ['view', 'jobs'], createdBy: 'key:acme' },
      createdAt: expect.any(String),
      expiresAt: new Date(Date.parse(String(shown['createdAt'])) + 3_600_000).toISOString(),
      lastUsedAt: null,
    });
    const second = await create({ tenant: 'gamma' });
    const page = async (query: string): Promise<Record<string, unknown>> =>
      (await api.call('GET', `/v1/keys?tenant=gamma&${query}`, { headers: ADMIN })).body;
    const first = await page('limit=1');
    expect(first).toMatchObject({ keys: [{ id: second.id }], hasMore: true });
    const rest = await page(`limit=1&cursor=${String(first['nextCursor'])}`);
    expect(rest).toEqual({ keys: [shown], hasMore: false, nextCursor: null });
    expect(JSON.stringify(rest)).not.toContain(String(key));
  });

  it('act for their tenant, are named in histories, and note when they were used', async () => {
    const { id, key } = await create({ tenant: 'beta' });
    const created = await ask('POST', '/v1/sessions', key, { name: 'mine' });
    expect(created.status).toBe(201);
    const path = `/v1/sessions/${String(created.body['id'])}`;
    expect((await ask('GET', path, 'beta-key-1')).status).toBe(200);
    expect((await ask('GET', path, 'acme-key-1')).status).toBe(404);
    const { body } = await ask('GET', `${path}/events`, key);
    expect(body['events']).toEqual(
      expect.arrayContaining([expect.objectContaining({ event: 'created', actor: `key:beta:${id}` })]),
    );
    await pollUntil('the use to be noted', { timeoutMs: 5_000, everyMs: 20 }, async () => {
      const list = await api.call('GET', '/v1/keys?tenant=beta', { headers: ADMIN });
      const found = (list.body['keys'] as { id: string; lastUsedAt: string | null }[]).find(
        one => one.id === id,
      );
      return found?.lastUsedAt ?? undefined;
    });
  });

  it('are never in Redis or in the log, only their digests', async () => {
    const { key } = await create();
    await ask('GET', '/v1/sessions', key);
    await ask('GET', '/v1/sessions', `${key.slice(0, -1)}~`);
    const secret = key.split('_').slice(2).join('_');
    expect(secret.length).toBeGreaterThanOrEqual(43);
    await api.deps.redis.save();
    for (const name of await api.deps.redis.keys('*')) {
      const dump = await dumped(name);
      expect([name, dump.includes(secret)]).toEqual([name, false]);
    }
    expect(String(await api.deps.redis.hvals(redisKeys.apiKeys))).toContain('digest');
  });

  it('are refused once they have expired', async () => {
    const { key } = await create({ expiresIn: 1_000 });
    expect((await ask('GET', '/v1/sessions', key)).status).toBe(200);
    await pollUntil('the key to expire', { timeoutMs: 5_000, everyMs: 50 }, async () =>
      (await ask('GET', '/v1/sessions', key)).status === 401 ? true : undefined,
    );
  });

  it('are unknown after they are revoked, and so is their id', async () => {
    const { id, key } = await create();
    expect((await revoke(id)).status).toBe(204);
    expect((await ask('GET', '/v1/sessions', key)).body['code']).toBe('unauthorized');
    expect((await revoke(id)).body['code']).toBe('key_not_found');
  });

  it.each([
    [{ scopes: ['view'] }, 'name'],
    [{ name: '', scopes: ['view'] }, 'name'],
    [{ name: ' ', scopes: ['view'] }, 'name'],
    [{ name: 'x'.repeat(129), scopes: ['view'] }, 'name'],
    [{ name: 'a\nb', scopes: ['view'] }, 'name'],
    [{ name: 1, scopes: ['view'] }, 'name'],
    [{ name: 'a' }, 'scopes'],
    [{ name: 'a', scopes: [] }, 'scopes'],
    [{ name: 'a', scopes: 'view' }, 'scopes'],
    [{ name: 'a', scopes: ['views'] }, 'scopes/0'],
    [{ name: 'a', scopes: ['view', 'view'] }, 'scopes'],
    [{ name: 'a', scopes: ['view'], tenant: 'Über' }, 'tenant'],
    [{ name: 'a', scopes: ['view'], tenant: '' }, 'tenant'],
    [{ name: 'a', scopes: ['view'], tenant: 'a/b' }, 'tenant'],
    [{ name: 'a', scopes: ['view'], expiresIn: 0 }, 'expiresIn'],
    [{ name: 'a', scopes: ['view'], expiresIn: 1.5 }, 'expiresIn'],
    [{ name: 'a', scopes: ['view'], expiresIn: 1e15 }, 'expiresIn'],
    [{ name: 'a', scopes: ['view'], expiresIn: '90d' }, 'expiresIn'],
    [{ name: 'a', scopes: ['view'], key: 'mine' }, 'key'],
  ])('are not made of %j', async (body, field) => {
    const { status, body: answered } = await api.call('POST', '/v1/keys', { headers: ADMIN, body });
    expect([status, answered['code']]).toEqual([422, 'invalid_request']);
    expect((answered['errors'] as { pointer: string }[])[0]?.pointer).toBe(`/${field}`);
  });

  it('are refused beyond the most that an installation may have; expired ones make room after a month', async () => {
    const { redis } = api.deps;
    const record = (id: number, expiresAtMs: number | null): [string, string] => [
      id.toString(16).padStart(16, '0'),
      JSON.stringify({ id: id.toString(16).padStart(16, '0'), scopes: [], digest: '', expiresAtMs }),
    ];
    const many = Array.from({ length: KEYS_MAX }, (_, id) => record(id, null));
    await redis.hset(redisKeys.apiKeys, Object.fromEntries(many));
    try {
      const asked = { headers: ADMIN, body: { name: 'one more', scopes: ['view'] } };
      const refused = await api.call('POST', '/v1/keys', asked);
      expect([refused.status, refused.body['code']]).toEqual([409, 'too_many_keys']);
      await redis.hset(
        redisKeys.apiKeys,
        Object.fromEntries(many.slice(1_000).map((_, id) => record(id, 1))),
      );
      expect((await api.call('POST', '/v1/keys', asked)).status).toBe(201);
    } finally {
      await redis.hdel(redisKeys.apiKeys, ...many.map(([id]) => id));
    }
  });

  it.each(['cursor=1', 'limit=0', 'limit=x', 'tenant=A', 'all=1'])('are not listed by %s', async query => {
    expect((await api.call('GET', `/v1/keys?${query}`, { headers: ADMIN })).status).toBe(422);
  });

  it('that only read get no token for the browser, and open no WebSocket', async () => {
    const session = await api.createLive({}, ADMIN);
    const { key } = await create({ scopes: ['view'] });
    const one = await ask('GET', `/v1/sessions/${session.id}`, key);
    const all = await ask('GET', '/v1/sessions', key);
    const live = await ask('GET', `/v1/sessions/${session.id}/live`, key);
    const token = new URL(String(session.websocketUrl)).searchParams.get('token') ?? '';
    for (const { status, body } of [one, all, live]) {
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain(token);
    }
    const refused = await tryUpgradeWith(String(one.body['websocketUrl']), key);
    expect(refused).toEqual({ status: 403, code: 'forbidden' });
  });
});

describe('a revoked key', () => {
  it('is refused by every process within five seconds, and what it has opened is closed', async () => {
    const second = await api.another({});
    const { id, key } = await create();
    const session = await api.createLive({}, ADMIN);
    const opened: WebSocket[] = [];
    const streams = [];
    for (const url of [api.url, second.url]) {
      const cdp = `${url.replace(/^http/, 'ws')}/v1/sessions/${session.id}/cdp`;
      const answer = await tryUpgradeWith(cdp, key);
      if (!('socket' in answer)) throw new Error(`refused: ${answer.status}`);
      opened.push(answer.socket);
      streams.push(await readEvents(`${url}/v1/events`, { 'x-api-key': key }));
    }
    const startedMs = performance.now();
    const closes = opened.map(async socket => {
      const [code] = (await once(socket, 'close')) as [number];
      return code;
    });
    expect((await revoke(id)).status).toBe(204);
    expect(await Promise.all(closes)).toEqual([4_401, 4_401]);
    await Promise.all(streams.map(async stream => stream.ended(5_000)));
    for (const url of [api.url, second.url]) {
      const { status } = await callApi(url, 'GET', '/v1/sessions', { headers: { 'x-api-key': key } });
      expect(status).toBe(401);
    }
    expect(performance.now() - startedMs).toBeLessThan(scaled(5_000));
  });

  it('is refused within five seconds also by a process that has missed the notice', async () => {
    const deaf = { on: () => deaf, off: () => deaf } as unknown as TestApi['deps']['notices'];
    const ring = new KeyRing({ ...api.deps, notices: deaf, log: createLogger('test', 'silent') });
    await ring.start();
    try {
      const { id, key } = await create();
      // It was created after the ring has read, and is found all the same.
      const held = await ring.find(key);
      expect(held?.revoked.aborted).toBe(false);
      await revoke(id);
      await pollUntil('the end of the key', { timeoutMs: 5_000, everyMs: 50 }, async () =>
        held?.revoked.aborted === true && (await ring.find(key)) === null ? true : undefined,
      );
    } finally {
      ring.stop();
    }
  });
});

describe('stored keys while Redis is away', () => {
  it('go on for a minute where they are known, and are not called wrong where they are not', async () => {
    const { key } = await create();
    let awayMs = 0;
    let isAway = false;
    const { apiKeys, notices, clock, log } = api.deps;
    const ring = new KeyRing({
      apiKeys: {
        load: async known => (isAway ? Promise.reject(new Error('away')) : apiKeys.load(known)),
        noteUse: async () => Promise.resolve(),
      },
      notices,
      log,
      clock: { ...clock, nowMs: () => clock.nowMs(), monotonicMs: () => clock.monotonicMs() + awayMs },
    });
    await ring.start();
    try {
      isAway = true;
      expect(await ring.find(key)).not.toBeNull();
      await expect(
        ring.find(key.replace(/^hf_./, 'hf_0').replace(/_.{16}_/, '_0000000000000000_')),
      ).rejects.toThrow('away');
      awayMs = 61_000;
      await expect(ring.find(key)).rejects.toThrow('away');
      isAway = false;
      expect(await ring.find(key)).not.toBeNull();
    } finally {
      ring.stop();
    }
  });
});

async function tryUpgradeWith(url: string, key: string): ReturnType<typeof tryUpgrade> {
  return tryUpgrade(url, { 'x-api-key': key });
}

async function dumped(name: string): Promise<string> {
  const { redis } = api.deps;
  const type = await redis.type(name);
  switch (type) {
    case 'string':
      return (await redis.get(name)) ?? '';
    case 'hash':
      return JSON.stringify(await redis.hgetall(name));
    case 'list':
      return JSON.stringify(await redis.lrange(name, 0, -1));
    case 'set':
      return JSON.stringify(await redis.smembers(name));
    case 'zset':
      return JSON.stringify(await redis.zrange(name, '0', '-1'));
    case 'stream':
      return JSON.stringify(await redis.xrange(name, '-', '+'));
    default:
      return '';
  }
}
