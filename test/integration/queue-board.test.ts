import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { appRoutes } from '@bull-board/api/dist/routes.js';
import express from 'express';
import { queueBoard } from '../../src/http/queue-board/queue-board';
import { INGRESS_PREFIX } from '../../src/redis/keys';
import { sendRaw } from '../support/raw-http';
import { callApi, startTestApi, type Answer, type TestApi } from '../support/api';

const KEY = 'acme-key-1';
const asPassword = (password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`me:${password}`).toString('base64')}`,
});

/** Every request of Bull Board that changes something, about the job `planned` of the queue `ingress`. */
const ACTIONS = appRoutes.api.flatMap(({ method, route }) =>
  [method]
    .flat()
    .flatMap(verb => (verb === 'get' ? [] : [route].flat().map(path => [verb.toUpperCase(), path]))),
) as readonly (readonly [method: string, route: string])[];
const aboutPlanned = (route: string): string =>
  route.replace(':queueName', 'ingress').replace(':jobId', 'planned').replaceAll(/:\w+/g, 'delayed');

const page = ({ body }: Answer): string => String(body['text']);

describe('the page of the queues', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ apiKeys: [{ tenant: 'acme', key: KEY }] });
  });
  afterAll(() => api.stop());
  const get = async (path: string, headers: Record<string, string> = asPassword(KEY)): Promise<Answer> =>
    api.call('GET', path, { headers });

  it('opens with the API key, as a password or in a header', async () => {
    for (const headers of [asPassword(KEY), { 'x-api-key': KEY }, { authorization: `Bearer ${KEY}` }]) {
      expect((await get('/queues', headers)).status).toBe(200);
    }
    for (const headers of [
      {},
      asPassword('guessed'),
      { authorization: 'Basic x' },
      { 'x-api-key': 'guessed' },
    ]) {
      for (const path of ['/queues', '/queues/api/queues', '/queues/static/js/main.js']) {
        const { status, headers: answered } = await get(path, headers);
        expect([path, status, answered.get('www-authenticate')]).toEqual([
          path,
          401,
          expect.stringMatching(/^Basic realm=/),
        ]);
      }
    }
  });

  it('refuses requests of web pages, like every route', async () => {
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      expect((await get('/queues/api/queues', { ...asPassword(KEY), ...headers })).status).toBe(403);
    }
  });

  it('loads nothing from other hosts, and its policy forbids it', async () => {
    const answer = await get('/queues/queue/launch');
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';");
    expect(page(answer)).toContain('<base href="/queues/" />');
    expect(page(answer)).toContain('<title>Holdfast queues</title>');
    expect(page(answer)).not.toMatch(/https?:\/\/|<%/);
    expect(answer.headers.get('x-powered-by')).toBeNull();
    const files = [...page(answer).matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, path]) => path);
    expect(files.length).toBeGreaterThan(4);
    for (const path of files) expect([path, (await get(`/queues/${path}`)).status]).toEqual([path, 200]);
  });

  it('shows every queue with what is in them', async () => {
    await api.deps.redis.hset(`${INGRESS_PREFIX}:ingress:planned`, {
      name: 'session.create',
      data: '{"v":1}',
      opts: '{}',
      timestamp: '1',
    });
    await api.deps.redis.zadd(
      `${INGRESS_PREFIX}:ingress:delayed`,
      (Date.now() + 3_600_000) * 4_096,
      'planned',
    );
    const { body } = await get('/queues/api/queues?activeQueue=ingress&status=delayed');
    expect((body['queues'] as { name: string }[]).map(({ name }) => name).sort()).toEqual([
      'accepted',
      'ingress',
      'launch',
      'sessions',
      'timers',
    ]);
    expect(body['queues']).toContainEqual(
      expect.objectContaining({
        name: 'ingress',
        readOnlyMode: true,
        jobs: [expect.objectContaining({ id: 'planned', name: 'session.create' })],
      }),
    );
    expect((await get('/queues/api/queues/ingress/planned')).body).toMatchObject({ status: 'delayed' });
  });

  const jobs = async (): Promise<unknown> => [
    await api.deps.redis.zrange(`${INGRESS_PREFIX}:ingress:delayed`, '0', '-1', 'WITHSCORES'),
    await api.deps.redis.hgetall(`${INGRESS_PREFIX}:ingress:planned`),
    await api.deps.redis.hexists(`${INGRESS_PREFIX}:ingress:meta`, 'paused'),
  ];

  it('changes nothing, with any request', async () => {
    expect(ACTIONS.length).toBeGreaterThan(20);
    const before = await jobs();
    for (const [method, route] of ACTIONS) {
      const path = `/queues${aboutPlanned(route)}`;
      const { status } = await api.call(method, path, { headers: asPassword(KEY), body: {} });
      expect([method, path, status]).toEqual([method, path, 405]);
    }
    // As GET none of them exists.
    for (const path of ['ingress/pause', 'ingress/planned/promote'])
      expect([path, (await get(`/queues/api/queues/${path}`)).status]).toEqual([path, 404]);
    expect(await jobs()).toEqual(before);
  });

  it('has no route for a change, whatever guards it', async () => {
    const server = createServer(
      express().use('/board', await queueBoard(api.deps.producer.all(), '/board')),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      // SAFETY: a TCP server that listens.
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/board`;
      expect((await callApi(url, 'GET', '/api/queues')).status).toBe(200);
      const before = await jobs();
      for (const [method, route] of ACTIONS) {
        const { status } = await callApi(url, method, aboutPlanned(route), { body: {} });
        expect([method, route, status]).toEqual([method, route, 404]);
      }
      expect(await jobs()).toEqual(before);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('is not in the description of the API', async () => {
    expect(JSON.stringify((await get('/openapi.json')).body)).not.toContain('/queues');
  });
});

describe('the page of the queues of several tenants', () => {
  it('opens with a key for the installation only, because it shows the sessions of all of them (I14)', async () => {
    const api = await startTestApi({
      apiKeys: [
        { tenant: 'acme', key: KEY },
        { tenant: 'ops', key: 'ops-key-1', isAdmin: true },
      ],
    });
    try {
      for (const path of ['/queues', '/queues/api/queues']) {
        const status = async (headers: Record<string, string>): Promise<number> =>
          (await api.call('GET', path, { headers })).status;
        expect([
          await status({}),
          await status(asPassword(KEY)),
          await status(asPassword('ops-key-1')),
        ]).toEqual([...[401, 403, 200]]);
      }
    } finally {
      await api.stop();
    }
  });
});

describe('the page of the queues without API keys', () => {
  it('is open to this machine, like every route', async () => {
    const api = await startTestApi();
    try {
      expect((await api.call('GET', '/queues')).status).toBe(200);
      expect((await api.call('PUT', '/queues/api/queues/launch/pause')).status).toBe(405);
      // It is a page for people; what is for programs does not open as one.
      const opened = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' };
      // fetch() would send a mode of its own.
      const status = async (path: string, headers: Record<string, string>): Promise<number> =>
        (await sendRaw(api.url, { method: 'GET', path, headers: Object.entries(headers) })).status;
      for (const path of ['/', '/docs', '/queues'])
        expect([path, await status(path, opened)]).toEqual([path, 200]);
      for (const headers of [opened, { 'sec-fetch-dest': 'iframe' }, { 'sec-fetch-mode': 'navigate' }]) {
        for (const path of ['/v1/sessions', '/metrics', '/v1/keys', '/steel/v1/sessions'])
          expect([path, await status(path, headers)]).toEqual([path, 403]);
      }
      const own = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin' };
      for (const path of ['/queues/api/queues', '/v1/sessions'])
        expect([path, await status(path, own)]).toEqual([path, 200]);
    } finally {
      await api.stop();
    }
  });
});
