import { keys } from '../../src/redis/keys';
import { startTestApi, type Answer, type TestApi } from '../support/api';
import { scaled } from '../support/slowdown';

describe('changing sessions over HTTP', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ timeoutMaxMs: 3_600_000 });
  });
  afterAll(() => api.stop());
  beforeEach(() => {
    api.worker.launches = 'live';
  });

  const patch = (id: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    api.call('PATCH', `/v1/sessions/${id}`, { body, headers });
  const queued = async (): Promise<string> => {
    api.worker.launches = 'ignored';
    const { body } = await api.call('POST', '/v1/sessions', { headers: { prefer: 'respond-async' } });
    return String(body['id']);
  };
  const atOffset = (from: string | null, ms: number): string =>
    new Date(Date.parse(from ?? '') + ms).toISOString();

  it('extends a live session, and answers with its new view', async () => {
    const session = await api.createLive({ timeout: 60_000, name: 'first', labels: { a: '1', b: '2' } });
    const answer = await patch(session.id, {
      timeout: 120_000,
      idleTimeout: 30_000,
      name: null,
      labels: { a: null, c: '3' },
    });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        status: 'live',
        timeout: 120_000,
        idleTimeout: 30_000,
        name: null,
        labels: { b: '2', c: '3' },
        expiresAt: atOffset(session.liveAt, 120_000),
        revision: session.revision + 1,
        websocketUrl: session.websocketUrl,
      },
    });
    expect(answer.headers.get('etag')).toBe(`"${session.revision + 1}"`);
    const { body } = await api.call('GET', '/v1/sessions?labelSelector=c%3D3,!a');
    expect(body['sessions']).toMatchObject([{ id: session.id }]);
  });

  it('takes the end as a moment, and names the allowed moments', async () => {
    const session = await api.createLive();
    const expiresAt = atOffset(session.liveAt, 50_000);
    expect(await patch(session.id, { expiresAt })).toMatchObject({
      status: 200,
      body: { timeout: 50_000, expiresAt },
    });
    for (const ms of [999, 3_600_001, -5]) {
      expect(await patch(session.id, { expiresAt: atOffset(session.liveAt, ms) })).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', errors: [{ pointer: '/expiresAt' }] },
      });
    }
  });

  it('ends a shortened session at its new time', async () => {
    const session = await api.createLive({ timeout: 600_000 });
    const { body } = await patch(session.id, { timeout: 1_500 });
    const answer = await api.call('GET', `/v1/sessions/${session.id}`, {
      headers: { 'if-none-match': `"${String(body['revision'])}"`, prefer: 'wait=10' },
    });
    expect(answer.body).toMatchObject({ status: 'timed_out', endReason: 'session_timeout' });
    const lateMs = Date.parse(String(answer.body['endedAt'])) - Date.parse(String(body['expiresAt']));
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThan(scaled(1_000));
  });

  it('changes a session that waits for a worker, but does not take an end as a moment', async () => {
    const id = await queued();
    expect(await patch(id, { timeout: 5_000, labels: { late: 'yes' } })).toMatchObject({
      status: 200,
      body: { status: 'created', timeout: 5_000, expiresAt: null, labels: { late: 'yes' } },
    });
    expect(await patch(id, { expiresAt: '2030-01-01T00:00:00Z' })).toMatchObject({
      status: 409,
      body: { code: 'session_not_live' },
    });
  });

  it('obeys If-Match: this revision, any revision, nothing else', async () => {
    const session = await api.createLive();
    const ifMatch = (tag: string): Promise<Answer> => patch(session.id, { name: tag }, { 'if-match': tag });
    expect(await ifMatch(`"${session.revision}"`)).toMatchObject({ status: 200 });
    expect(await ifMatch(`"${session.revision}"`)).toMatchObject({
      status: 412,
      body: { code: 'precondition_failed', retryable: false },
    });
    expect(await ifMatch('*')).toMatchObject({ status: 200, body: { revision: session.revision + 2 } });
    expect(await ifMatch(`W/"${session.revision + 2}"`)).toMatchObject({
      status: 400,
      body: { code: 'malformed_request' },
    });
  });

  it('lets one of many changes to the same revision win', async () => {
    const session = await api.createLive();
    const headers = { 'if-match': `"${session.revision}"` };
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => patch(session.id, { name: `n${i}` }, headers)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(412)]);
  });

  it('merges changes that are made at once', async () => {
    const session = await api.createLive();
    await Promise.all(Array.from({ length: 8 }, (_, i) => patch(session.id, { labels: { [`l${i}`]: 'x' } })));
    const { body } = await api.call('GET', `/v1/sessions/${session.id}`);
    expect(Object.keys(body['labels'] as object)).toHaveLength(8);
    expect(await patch(session.id, { labels: { l9: 'x' } })).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer: '/labels' }] },
    });
  });

  it('is made once under one Idempotency-Key, also with If-Match; another body is another change', async () => {
    const session = await api.createLive();
    const headers = { 'idempotency-key': 'k-1', 'if-match': `"${session.revision}"` };
    const answers = [
      await patch(session.id, { name: 'once' }, headers),
      await patch(session.id, { name: 'once' }, headers),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 200, body: { name: 'once', revision: session.revision + 1 } });
    }
    expect(await patch(session.id, { name: 'twice' }, headers)).toMatchObject({ status: 412 });
  });

  it('refuses a session that has ended, with its end reason, and an unknown one', async () => {
    const session = await api.createLive();
    await api.call('DELETE', `/v1/sessions/${session.id}`);
    expect(await patch(session.id, { timeout: 5_000 }, { 'if-match': '"1"' })).toMatchObject({
      status: 409,
      body: { code: 'session_ended', sessionStatus: 'released', endReason: 'released_by_client' },
    });
    expect(await patch('nobody', { timeout: 5_000 })).toMatchObject({
      status: 404,
      body: { code: 'session_not_found' },
    });
  });

  it('answers a long-poll with the change', async () => {
    const session = await api.createLive();
    const waiting = api.call('GET', `/v1/sessions/${session.id}`, {
      headers: { 'if-none-match': `"${session.revision}"`, prefer: 'wait=20' },
    });
    await patch(session.id, { name: 'new' });
    expect(await waiting).toMatchObject({ status: 200, body: { name: 'new' } });
  });

  it('releases the sessions that a selector of any form selects', async () => {
    const ids: string[] = [];
    for (const tier of ['gold', 'silver', 'lead']) {
      ids.push((await api.createLive({ labels: { release: 'kinds', tier } })).id);
    }
    const before = await api.createLive({ labels: { release: 'kinds' } });
    const body = {
      labelSelector: 'release=kinds,tier,tier notin (lead)',
      status: 'live',
      createdBefore: atOffset(before.createdAt, 1),
    };
    const path = '/v1/sessions/release';
    expect((await api.call('POST', path, { body: { ...body, dryRun: true } })).body).toMatchObject({
      matched: 2,
    });
    expect((await api.call('POST', path, { body })).body).toMatchObject({
      matched: 2,
      released: 2,
      failed: 0,
    });
    const listed = await api.call('GET', '/v1/sessions?labelSelector=release%3Dkinds&status=live,released');
    const found = listed.body['sessions'] as { id: string; status: string }[];
    expect(found.map(({ id, status }) => [id, status])).toEqual([
      [before.id, 'live'],
      [ids[2], 'live'],
      [ids[1], 'released'],
      [ids[0], 'released'],
    ]);
  });

  describe('usage', () => {
    it('is a table for those who prefer CSV', async () => {
      const { id } = await api.createLive();
      await api.call('DELETE', `/v1/sessions/${id}`);
      const answer = await api.call('GET', '/v1/usage', { headers: { accept: 'text/csv' } });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      expect(answer.headers.get('content-disposition')).toMatch(
        /^attachment; filename="?usage-[\d-]+\.csv"?$/,
      );
      const [header, ...lines] = String(answer.body['text']).split('\r\n');
      expect(header).toBe(
        'date,endReason,sessions,liveSeconds,startedMinutes,sentBytes,receivedBytes,refused,contexts,contextBytes',
      );
      expect(lines).toContainEqual(
        expect.stringMatching(/^\d{4}-\d\d-\d\d,released_by_client,\d+,[\d.]+,\d+,0,0,0,,$/),
      );
      expect(lines.slice(-2)).toEqual([',,,,,,,,0,0', '']);
      expect((await api.call('GET', '/v1/usage', { headers: { accept: '*/*' } })).body).toHaveProperty(
        'days',
      );
      const preferring = { accept: 'text/csv;q=0.5, application/json' };
      expect((await api.call('GET', '/v1/usage', { headers: preferring })).body).toHaveProperty('days');
    });

    it('counts each session once, by end reason', async () => {
      const ended = await api.createLive();
      await api.call('DELETE', `/v1/sessions/${ended.id}`);
      const { body: view } = await api.call('GET', `/v1/sessions/${ended.id}`);
      const day = String(view['endedAt']).slice(0, 10);
      await api.deps.redis.del(keys.usage('default', day));
      const session = await api.createLive();
      const { body } = await api.call('DELETE', `/v1/sessions/${session.id}`);
      await Promise.all([1, 2, 3].map(() => api.call('DELETE', `/v1/sessions/${session.id}`)));
      const used = {
        ...{ sessions: 1, liveSeconds: Number(body['duration']) / 1_000, startedMinutes: 1 },
        ...{ sentBytes: 0, receivedBytes: 0, refused: 0 },
      };
      expect((await api.call('GET', `/v1/usage?from=${day}&to=${day}`)).body).toEqual({
        from: day,
        to: day,
        days: [{ date: day, ...used, byEndReason: { released_by_client: used } }],
        total: used,
        contexts: { count: 0, bytes: 0 },
      });
    });

    it.each([
      ['', 0, 29],
      ['?to=2030-01-31', Date.parse('2030-01-31'), 29],
      [`?from=${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)}`, 0, 1],
    ])('is that of thirty days up to today unless asked otherwise: %p', async (query, toMs, daysBefore) => {
      const nowMs = await api.deps.maintenance.nowMs();
      const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
      const last = toMs === 0 ? nowMs : toMs;
      expect((await api.call('GET', `/v1/usage${query}`)).body).toMatchObject({
        from: day(last - daysBefore * 86_400_000),
        to: day(last),
      });
    });

    it.each([
      '?from=2000-01-01',
      '?from=2030-01-02&to=2030-01-01',
      '?from=2030-01-01&to=2031-01-02',
      '?from=x&to=2030-01-01',
    ])('refuses %p', async query => {
      expect(await api.call('GET', `/v1/usage${query}`)).toMatchObject({
        status: 422,
        body: { code: 'invalid_request' },
      });
    });
  });

  describe('workers', () => {
    const info = { hostname: 'box', slots: 8, used: 3, draining: false };

    it('are listed with what they have, and add up to the capacity', async () => {
      await api.deps.leases.renew('w-1', info);
      await api.deps.leases.renew('w-2', { ...info, used: 8 });
      const { body } = await api.call('GET', '/v1/workers');
      expect(body['workers']).toEqual([
        {
          id: 'w-1',
          hostname: 'box',
          slots: 8,
          used: 3,
          warm: 0,
          asleep: 0,
          draining: false,
          alive: true,
          leaseExpiresAt: expect.any(String),
        },
        {
          id: 'w-2',
          hostname: 'box',
          slots: 8,
          used: 8,
          warm: 0,
          asleep: 0,
          draining: false,
          alive: true,
          leaseExpiresAt: expect.any(String),
        },
      ]);
      await api.call('POST', '/v1/sessions/release');
      expect((await api.call('GET', '/v1/capacity')).body).toEqual({
        slots: 16,
        used: 11,
        free: 5,
        warm: 0,
        asleep: 0,
        queued: 0,
        workers: 2,
        drainingWorkers: 0,
        isAvailable: true,
      });
    });

    it('get the order to drain at once, and again with every renewal, until it is taken back', async () => {
      expect(await api.deps.leases.renew('w-1', info)).toBe(false);
      expect(await api.call('POST', '/v1/workers/w-1/drain')).toMatchObject({
        status: 200,
        body: { id: 'w-1', draining: true, alive: true },
      });
      expect(await api.deps.leases.renew('w-1', info)).toBe(true);
      expect((await api.call('GET', '/v1/capacity')).body).toMatchObject({ free: 0, drainingWorkers: 1 });

      // An orderly exit gives the lease up; the operator's order stays.
      await api.deps.leases.drop('w-1');
      expect((await api.call('GET', '/v1/workers')).body['workers']).toContainEqual(
        expect.objectContaining({
          id: 'w-1',
          hostname: null,
          draining: true,
          alive: false,
          leaseExpiresAt: null,
        }),
      );
      expect(await api.deps.leases.renew('w-1', info)).toBe(true);

      expect(await api.call('POST', '/v1/workers/w-1/undrain')).toMatchObject({ body: { draining: false } });
      expect(await api.deps.leases.renew('w-1', info)).toBe(false);
    });

    it('that are gone are deleted when they are undrained, and unknown after that', async () => {
      await api.deps.leases.renew('w-3', info);
      await api.call('POST', '/v1/workers/w-3/drain');
      await api.deps.leases.drop('w-3');
      expect(await api.call('POST', '/v1/workers/w-3/undrain')).toMatchObject({ status: 204 });
      expect(await api.call('POST', '/v1/workers/w-3/undrain')).toMatchObject({
        status: 404,
        body: { code: 'worker_not_found' },
      });
      expect(await api.deps.redis.exists(keys.control('w-3'))).toBe(0);
    });
  });
});
