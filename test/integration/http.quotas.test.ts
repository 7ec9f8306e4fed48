import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import WebSocket from 'ws';
import { Browser as Client } from '../../src/client/holdfast';
import { NO_QUOTAS, type TenantQuotas } from '../../src/config/quotas';
import { AgentBayWire } from '../support/agentbay';
import { callApi, startTestApi, type Answer, type TestApi } from '../support/api';
import { TestProducer } from '../support/ingress';
import { pollUntil } from '../support/poll-until';
import { makeTempDir, type TempDir } from '../support/temp-dir';

const QUOTAS: Readonly<Record<string, Partial<TenantQuotas>>> = {
  burst: { liveSessions: 20 },
  few: { liveSessions: 1, sockets: 1, streams: 1, contexts: 1 },
  slow: { createsPerMinute: 2, liveSessions: 50 },
  one: { sockets: 1 },
  jobs: { liveSessions: 1 },
};

describe('quotas of a tenant', () => {
  let dir: TempDir;
  let api: TestApi;
  let second: string;
  beforeAll(async () => {
    dir = await makeTempDir();
    api = await startTestApi({
      dataDir: dir.path,
      tls: { host: '127.0.0.1', port: 0, files: null },
      ingressTenant: 'jobs',
      apiKeys: [...Object.keys(QUOTAS), 'free'].map(tenant => ({
        tenant,
        key: `key-of-${tenant}`,
        ...(tenant === 'free' ? { isAdmin: true as const } : {}),
      })),
      quotas: {
        default: NO_QUOTAS,
        tenants: Object.fromEntries(
          Object.entries(QUOTAS).map(([tenant, quotas]) => [tenant, { ...NO_QUOTAS, ...quotas }]),
        ),
      },
    });
    second = (await api.another({ tls: null })).url;
  });
  afterAll(async () => {
    await api.stop();
    await dir.remove();
  });
  afterEach(async () => {
    api.worker.launches = 'live';
    for (const tenant of Object.keys(QUOTAS)) await releaseAll(tenant);
  });

  const keyOf = (tenant: string): Record<string, string> => ({ 'x-api-key': `key-of-${tenant}` });
  const create = (tenant: string, body = {}, headers = {}, url = api.url): Promise<Answer> =>
    callApi(url, 'POST', '/v1/sessions', { body, headers: { ...keyOf(tenant), ...headers } });
  const releaseAll = (tenant: string): Promise<Answer> =>
    api.call('POST', '/v1/sessions/release', { headers: keyOf(tenant) });
  const refusals = async (quota: string, url = api.url): Promise<number> => {
    const { body } = await callApi(url, 'GET', '/metrics', { headers: keyOf('free') });
    const [, value] =
      new RegExp(`quota_refusals_total\\{quota="${quota}"\\} (\\d+)`).exec(String(body['text'])) ?? [];
    return Number(value);
  };
  const session = { id: expect.any(String) as unknown };

  it('are never exceeded by a burst through two processes (I12)', async () => {
    const asked = Array.from({ length: 200 }, (_, at) =>
      create('burst', {}, { prefer: 'respond-async' }, at % 2 === 0 ? api.url : second),
    );
    const answers = await Promise.all(asked);
    const statuses = answers.map(({ status }) => status);
    // A busy process may leave some without an answer, which is a 503; their sessions count nevertheless.
    expect(statuses.filter(status => status !== 503 && status !== 429).length).toBeLessThanOrEqual(20);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers, body } of refused) {
      expect(body).toMatchObject({ code: 'quota_exceeded', quota: 'liveSessions', retryable: true });
      expect(headers.get('retry-after')).toBe('5');
      expect(headers.get('ratelimit')).toBe('"liveSessions";r=0');
      expect(headers.get('ratelimit-policy')).toBe('"liveSessions";q=20');
    }
    const { body } = await api.call('GET', '/v1/sessions?limit=100', { headers: keyOf('burst') });
    expect(body['sessions']).toHaveLength(20);
  });

  it('show in each answer to a create what is left', async () => {
    const first = await create('slow');
    expect(first.headers.get('ratelimit-policy')).toBe('"liveSessions";q=50, "createsPerMinute";q=2;w=60');
    expect(first.headers.get('ratelimit')).toBe('"liveSessions";r=49, "createsPerMinute";r=1;t=60');
    await create('slow');
    const refused = await create('slow');
    expect(refused).toMatchObject({ status: 429, body: { quota: 'createsPerMinute' } });
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(30);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(refused.headers.get('ratelimit')).toMatch(/"createsPerMinute";r=0;t=\d\d$/);
    expect((await create('free')).headers.get('ratelimit')).toBeNull();
  });

  it('let the repeat of a create pass, and count refusals by quota', async () => {
    const before = await refusals('liveSessions');
    const key = { 'idempotency-key': 'one' };
    expect((await create('few', {}, key)).status).toBe(201);
    expect((await create('few', {}, key)).headers.get('idempotency-replayed')).toBe('true');
    expect((await create('few')).status).toBe(429);
    expect((await refusals('liveSessions')) - before).toBe(1);
  });

  it('limit no reads and no release', async () => {
    const { body } = await create('few');
    expect((await create('few')).status).toBe(429);
    const path = `/v1/sessions/${String(body['id'])}`;
    expect((await api.call('GET', path, { headers: keyOf('few') })).status).toBe(200);
    expect((await api.call('DELETE', path, { headers: keyOf('few') })).status).toBe(200);
    expect((await create('few')).status).toBe(201);
  });

  it('leave no context and no writer of one behind when they refuse a create', async () => {
    const named = (name: string): object => ({ context: { name, persist: true, onConflict: 'refuse' } });
    await create('few');
    expect((await create('few', named('unmade'))).status).toBe(429);
    const { body } = await api.call('GET', '/v1/contexts', { headers: keyOf('few') });
    expect(body['contexts']).toEqual([]);
    await releaseAll('few');
    expect(await create('few', named('made'))).toMatchObject({ status: 201, body: session });
    // As many contexts as it may have.
    const more = await api.call('POST', '/v1/contexts', { body: { name: 'more' }, headers: keyOf('few') });
    expect(more).toMatchObject({
      status: 429,
      body: { code: 'quota_exceeded', quota: 'contexts', retryable: false },
    });
    expect(more.headers.get('retry-after')).toBeNull();
    await releaseAll('few');
    expect(await create('few', named('more'))).toMatchObject({ status: 429, body: { quota: 'contexts' } });
  });

  it('are waited for by the client library as Retry-After says', async () => {
    const waits: number[] = [];
    let refused = 0;
    const client = new Client({
      baseUrl: api.url,
      apiKey: 'key-of-few',
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (response.status !== 429) return response;
        refused += 1;
        waits.push(Number(response.headers.get('retry-after')));
        await releaseAll('few');
        // As it was answered, but sooner.
        return new Response(await response.text(), { status: 429, headers: { 'retry-after': '0.1' } });
      },
    });
    await create('few');
    expect(await client.sessions.create()).toMatchObject({ status: 'live' });
    expect([refused, waits]).toEqual([1, [5]]);
  });

  it('refuse sockets before the upgrade, and admit one again when another has gone', async () => {
    const { body } = await create('few');
    const url = String(body['websocketUrl']);
    const first = new WebSocket(url);
    await once(first, 'open');
    // Through another process: they count together.
    const over = new WebSocket(url.replace(new URL(api.url).host, new URL(second).host));
    over.on('error', () => undefined);
    const [, response] = (await once(over, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(429);
    expect(response.headers['retry-after']).toBe('5');
    let text = '';
    for await (const chunk of response) text += String(chunk);
    expect(JSON.parse(text)).toMatchObject({ code: 'quota_exceeded', quota: 'sockets' });
    first.close();
    await once(first, 'close');
    const next = await pollUntil('the socket to be admitted', { timeoutMs: 5_000, everyMs: 50 }, async () => {
      const socket = new WebSocket(url);
      socket.on('error', () => undefined);
      const answered = once(socket, 'unexpected-response').then(() => false);
      const isOpen = await Promise.any([once(socket, 'open').then(() => true), answered]);
      return isOpen ? socket : undefined;
    });
    next.terminate();
    expect(await refusals('sockets', second)).toBeGreaterThanOrEqual(1);
  });

  it('refuse a connection that would create a session before it does', async () => {
    const connectAs = (credentials: string): WebSocket => {
      const capabilities = encodeURIComponent(JSON.stringify({ browserName: 'Chrome', 'LT:Options': {} }));
      const authorization = `Basic ${Buffer.from(`someone:${credentials}`).toString('base64')}`;
      const socket = new WebSocket(`${api.url}/testmu/puppeteer?capabilities=${capabilities}`, {
        headers: { authorization },
      });
      socket.on('error', () => undefined);
      return socket;
    };
    const first = connectAs('key-of-one');
    await once(first, 'open');
    const [, response] = (await once(connectAs('key-of-one'), 'unexpected-response')) as [
      unknown,
      IncomingMessage,
    ];
    expect(response.statusCode).toBe(429);
    response.resume();
    first.terminate();
    const { body } = await api.call('GET', '/v1/sessions', { headers: keyOf('one') });
    expect(body['sessions']).toHaveLength(1);
  });

  it('refuse event streams', async () => {
    const leave = new AbortController();
    const stream = { headers: keyOf('few'), signal: leave.signal };
    const open = await fetch(`${api.url}/v1/events`, stream);
    expect(open.status).toBe(200);
    const refused = await callApi(second, 'GET', '/v1/events', { headers: keyOf('few') });
    expect(refused).toMatchObject({ status: 429, body: { code: 'quota_exceeded', quota: 'streams' } });
    expect(refused.headers.get('retry-after')).toBe('5');
    leave.abort();
  });

  it('fail a job that would create a session, and let the jobs behind it pass', async () => {
    const producer = await TestProducer.open(api.redis);
    try {
      const view = await producer.run('session.create');
      const refused = producer.failure('session.create');
      const released = producer.run('session.release', { sessionId: String(view['id']) });
      expect(await refused).toMatch(/^quota_exceeded: The quota liveSessions is used up: at most 1 sessions/);
      expect(await released).toMatchObject({ status: 'released' });
      expect(await producer.run('session.create')).toMatchObject({ status: 'live' });
    } finally {
      await producer.close();
    }
  });

  describe('refuse in the words of each dialect:', () => {
    beforeEach(async () => {
      await create('few');
    });

    it('Steel', async () => {
      const headers = { 'steel-api-key': 'key-of-few' };
      const {
        status,
        body,
        headers: answered,
      } = await api.call('POST', '/steel/v1/sessions', { body: {}, headers });
      expect({ status, message: body['message'] }).toEqual({
        status: 429,
        message: expect.stringContaining('The quota liveSessions is used up') as unknown,
      });
      expect(answered.get('x-should-retry')).toBe('true');
      expect(answered.get('retry-after')).toBe('5');
      expect(answered.get('content-type')).toContain('application/json');
    });

    it('Notte', async () => {
      const headers = { authorization: 'Bearer key-of-few' };
      const answer = await api.call('POST', '/notte/sessions/start', { body: {}, headers });
      expect(answer).toMatchObject({ status: 429, body: { status: 429, error: 'quota_exceeded' } });
      expect(answer.headers.get('retry-after')).toBe('5');
    });

    it('AgentBay', async () => {
      const wire = await AgentBayWire.of(api.tlsUrl, dir.path, 'key-of-few');
      expect(await wire.call('CreateMcpSession')).toMatchObject({
        ...{ status: 400, Success: false, Code: 'QuotaExceeded', HttpStatusCode: 400 },
        Message: expect.stringContaining('The quota liveSessions is used up') as unknown,
      });
    });

    it('TestMu AI', async () => {
      const credentials = `Basic ${Buffer.from('someone:key-of-few').toString('base64')}`;
      const capabilities = encodeURIComponent(JSON.stringify({ browserName: 'Chrome', 'LT:Options': {} }));
      const socket = new WebSocket(`${api.url}/testmu/puppeteer?capabilities=${capabilities}`, {
        headers: { authorization: credentials },
      });
      socket.on('error', () => undefined);
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
      expect(response.statusCode).toBe(429);
      expect(response.headers['retry-after']).toBe('5');
      response.resume();
    });
  });
});
