import { refOf } from '../../src/core/ids';
import { startTestApi, type Answer, type TestApi } from '../support/api';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

describe('sessions over HTTP', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.stop());
  beforeEach(() => {
    api.worker.launches = 'live';
    api.worker.closesBrowsers = true;
  });

  const create = (body: unknown = {}, headers: Record<string, string> = {}): Promise<Answer> =>
    api.call('POST', '/v1/sessions', { body, headers });
  const events = async (id: unknown): Promise<Record<string, unknown>[]> => {
    const { body } = await api.call('GET', `/v1/sessions/${String(id)}/events`);
    return body['events'] as Record<string, unknown>[];
  };

  describe('create', () => {
    it('answers when the session is live', async () => {
      const answer = await create({ labels: { team: 'a' }, timeout: 60_000 });
      expect(answer).toMatchObject({
        status: 201,
        body: { status: 'live', labels: { team: 'a' }, timeout: 60_000, revision: 3, queuePosition: null },
      });
      const id = String(answer.body['id']);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(answer.headers.get('location')).toBe(`/v1/sessions/${id}`);
      expect(answer.headers.get('etag')).toBe('"3"');
      expect(answer.body['websocketUrl']).toMatch(
        new RegExp(`^${api.url.replace('http', 'ws')}/v1/sessions/${id}/cdp\\?token=default\\.`),
      );
    });

    it('needs no body at all', async () => {
      expect(await api.call('POST', '/v1/sessions')).toMatchObject({
        status: 201,
        body: { timeout: 300_000 },
      });
    });

    it('answers at once with respond-async, and confirms the preference', async () => {
      api.worker.launches = 'ignored';
      const answer = await create({}, { prefer: 'respond-async' });
      expect(answer).toMatchObject({ status: 202, body: { status: 'created', websocketUrl: null } });
      expect(answer.body['queuePosition']).toEqual(expect.any(Number));
      expect(answer.headers.get('preference-applied')).toBe('respond-async');
    });

    it('answers 202 with the session as it is when the caller has waited long enough', async () => {
      api.worker.launches = 'ignored';
      const startedMs = performance.now();
      const answer = await create({}, { prefer: 'wait=1' });
      expect(performance.now() - startedMs).toBeGreaterThan(950);
      expect(answer).toMatchObject({ status: 202, body: { status: 'created' } });
      expect(answer.headers.get('preference-applied')).toBe('wait=1');
    });

    it('answers with an error that names the session when its launch has failed; it stays readable', async () => {
      api.worker.launches = 'failed';
      const answer = await create();
      expect(answer).toMatchObject({
        status: 502,
        body: {
          code: 'launch_failed',
          sessionStatus: 'failed',
          endReason: 'launch_failed',
          message: expect.stringMatching(/^The session .* ended before it was live .*no display/),
        },
      });
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      const { body } = await api.call('GET', `/v1/sessions/${String(answer.body['sessionId'])}`);
      expect(body).toMatchObject({
        status: 'failed',
        endReason: 'launch_failed',
        error: { code: 'launch_failed', message: 'no display' },
      });
    });

    it('answers a retryable 503 for a session that found no slot in time', async () => {
      api.worker.launches = 'ignored';
      const answer = await create({ queueTimeout: 1_000 });
      expect(answer).toMatchObject({ status: 503, body: { code: 'queue_timeout', retryable: true } });
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(answer.headers.get('x-should-retry')).toBe('true');
      api.worker.launches = 'live';
      expect(await create({ queueTimeout: 1_000 })).toMatchObject({ status: 201, body: { status: 'live' } });
    });

    it.each([
      ['DELETE', '', 'released_by_client'],
      ['POST', '/release', 'released_by_client'],
    ])('answers 409 to a waiting caller when %s %s ends the session', async (method, path, endReason) => {
      api.worker.launches = 'ignored';
      const sessionId = `ended-by-${method}`;
      const waiting = create({ sessionId });
      await pollUntil('the session', { timeoutMs: 5_000, everyMs: 10 }, async () => {
        const { record } = await api.deps.sessions.load(refOf('default', sessionId));
        return record ?? undefined;
      });
      await api.call(method, `/v1/sessions/${sessionId}${path}`);
      expect(await waiting).toMatchObject({
        status: 409,
        body: { code: 'session_ended', sessionId, sessionStatus: 'released', endReason, retryable: false },
      });
    });

    it.each([
      ['an Idempotency-Key', {}, { 'idempotency-key': 'fails-once' }],
      ['an id', { sessionId: 'fails-once' }, {}],
    ])(
      'gives the same answer to a repeat with %s, and does not suggest a retry',
      async (_what, body, headers) => {
        api.worker.launches = 'ignored';
        const first = await create({ ...body, queueTimeout: 1_000 }, headers);
        expect(first).toMatchObject({ status: 503, body: { code: 'queue_timeout', retryable: false } });
        expect(first.headers.get('retry-after')).toBeNull();
        expect(first.headers.get('x-should-retry')).toBe('false');
        api.worker.launches = 'live';
        for (const prefer of ['wait=1', 'respond-async']) {
          const again = await create({ ...body, queueTimeout: 1_000 }, { ...headers, prefer });
          const { requestId } = again.body;
          expect(again).toMatchObject({ status: 503, body: { ...first.body, requestId } });
          const replayed = 'idempotency-key' in headers ? 'true' : null;
          expect(again.headers.get('idempotency-replayed')).toBe(replayed);
        }
      },
    );

    it('answers a repeat with an error when the session has ended meanwhile', async () => {
      const headers = { 'idempotency-key': 'lives-once' };
      const { body } = await create({}, headers);
      await api.call('DELETE', `/v1/sessions/${String(body['id'])}`);
      expect(await create({}, headers)).toMatchObject({
        status: 409,
        body: { code: 'session_ended', sessionId: body['id'], endReason: 'released_by_client' },
      });
    });

    it('stops waiting when the caller has gone away, and keeps the session', async () => {
      api.worker.launches = 'ignored';
      const abort = new AbortController();
      const sessionId = 'left-alone';
      const asked = api.call('POST', '/v1/sessions', { body: { sessionId }, signal: abort.signal });
      await pollUntil('the session', { timeoutMs: 5_000, everyMs: 10 }, async () => {
        const { record } = await api.deps.sessions.load(refOf('default', sessionId));
        return record ?? undefined;
      });
      abort.abort();
      await expect(asked).rejects.toThrow('abort');
      expect(await api.call('GET', `/v1/sessions/${sessionId}`)).toMatchObject({ status: 200 });
    });

    it('joins concurrent calls with the same id and body into one session', async () => {
      const body = { sessionId: 'chosen', labels: { a: '1', b: '2' } };
      const answers = await Promise.all(Array.from({ length: 20 }, () => create(body)));
      expect(answers.map(answer => answer.status)).toEqual(Array.from({ length: 20 }, () => 201));
      expect(new Set(answers.map(answer => answer.body['createdAt'])).size).toBe(1);
      expect((await events('chosen')).filter(({ event }) => event === 'created')).toHaveLength(1);
      const reordered = await create({ labels: { b: '2', a: '1' }, sessionId: 'chosen', recording: false });
      expect(reordered.status).toBe(201);
    });

    it('refuses an id that is in use with another body', async () => {
      await create({ sessionId: 'taken' });
      const answer = await create({ sessionId: 'taken', timeout: 5_000 });
      expect(answer).toMatchObject({ status: 409, body: { code: 'session_id_taken', retryable: false } });
      expect(answer.headers.get('x-should-retry')).toBe('false');
    });

    it('makes one session of concurrent calls with one Idempotency-Key', async () => {
      const headers = { 'idempotency-key': 'key-1' };
      const answers = await Promise.all(Array.from({ length: 20 }, () => create({ name: 'once' }, headers)));
      expect(new Set(answers.map(answer => answer.body['id'])).size).toBe(1);
      expect(answers.every(answer => answer.status === 201)).toBe(true);
      const replayed = answers.filter(answer => answer.headers.get('idempotency-replayed') === 'true');
      expect(replayed).toHaveLength(19);
    });

    it('refuses an Idempotency-Key with another body', async () => {
      const headers = { 'idempotency-key': 'key-2' };
      expect((await create({}, headers)).status).toBe(201);
      expect(await create({ timeout: 5_000 }, headers)).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused' },
      });
    });
  });

  describe('get', () => {
    it('answers 304 to a caller that has this revision', async () => {
      const session = await api.createLive();
      const answer = await api.call('GET', `/v1/sessions/${session.id}`);
      expect(answer).toMatchObject({ status: 200, body: { id: session.id, status: 'live' } });
      const etag = answer.headers.get('etag') ?? '';
      const again = await api.call('GET', `/v1/sessions/${session.id}`, {
        headers: { 'if-none-match': etag },
      });
      expect(again.status).toBe(304);
      expect(again.headers.get('etag')).toBe(etag);
    });

    it('waits for the next change, and answers as soon as it comes', async () => {
      const session = await api.createLive();
      const waiting = api.call('GET', `/v1/sessions/${session.id}`, {
        headers: { 'if-none-match': `"${session.revision}"`, prefer: 'wait=20' },
      });
      await api.call('POST', `/v1/sessions/${session.id}/release`);
      const answer = await waiting;
      expect(answer).toMatchObject({
        status: 200,
        body: { status: 'released', revision: session.revision + 1 },
      });
      expect(answer.headers.get('preference-applied')).toBe('wait=20');
    });

    it('answers 304 when nothing changed while it waited', async () => {
      const session = await api.createLive();
      const startedMs = performance.now();
      const answer = await api.call('GET', `/v1/sessions/${session.id}`, {
        headers: { 'if-none-match': `"${session.revision}"`, prefer: 'wait=1' },
      });
      expect(answer.status).toBe(304);
      expect(performance.now() - startedMs).toBeGreaterThan(950);
    });

    it.each(['unknown', 'a%20b', '%00', 'x'.repeat(65)])('does not know %s', async id => {
      expect(await api.call('GET', `/v1/sessions/${id}`)).toMatchObject({
        status: 404,
        body: { code: 'session_not_found' },
      });
    });

    it('shows the same websocketUrl until the end, and none after it', async () => {
      const session = await api.createLive();
      const { body } = await api.call('GET', `/v1/sessions/${session.id}`);
      expect(body['websocketUrl']).toBe(session.websocketUrl);
      await api.call('DELETE', `/v1/sessions/${session.id}`);
      expect((await api.call('GET', `/v1/sessions/${session.id}`)).body['websocketUrl']).toBeNull();
    });
  });

  describe('release', () => {
    it('answers with the ended session once its browser is gone', async () => {
      const session = await api.createLive();
      const answer = await api.call('POST', `/v1/sessions/${session.id}/release`);
      expect(answer).toMatchObject({
        status: 200,
        body: { status: 'released', endReason: 'released_by_client' },
      });
      expect(await api.deps.closing.isOpen(refOf('default', session.id))).toBe(false);
    });

    it('answers at once with respond-async', async () => {
      api.worker.closesBrowsers = false;
      const session = await api.createLive();
      const startedMs = performance.now();
      const answer = await api.call('POST', `/v1/sessions/${session.id}/release`, {
        headers: { prefer: 'respond-async' },
      });
      expect(answer).toMatchObject({ status: 200, body: { status: 'released' } });
      expect(answer.headers.get('preference-applied')).toBe('respond-async');
      expect(performance.now() - startedMs).toBeLessThan(scaled(2_000));
    });

    it('answers after five seconds although the browser is still there', async () => {
      api.worker.closesBrowsers = false;
      const session = await api.createLive();
      const startedMs = performance.now();
      const answer = await api.call('DELETE', `/v1/sessions/${session.id}`);
      expect(answer).toMatchObject({ status: 200, body: { status: 'released' } });
      expect(performance.now() - startedMs).toBeGreaterThan(4_900);
      expect(performance.now() - startedMs).toBeLessThan(scaled(7_000));
    });

    it('ends a session once, however many calls ask for it', async () => {
      const session = await api.createLive();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => api.call('POST', `/v1/sessions/${session.id}/release`)),
      );
      for (const answer of answers)
        expect(answer).toMatchObject({ status: 200, body: { status: 'released' } });
      expect((await events(session.id)).map(({ event }) => event)).toEqual([
        'created',
        'claim',
        'browser_ready',
        'release',
      ]);
    });

    it('answers how a session ended when it had ended in another way before', async () => {
      const session = await api.createLive();
      await api.worker.crash(refOf('default', session.id));
      expect(await api.call('POST', `/v1/sessions/${session.id}/release`)).toMatchObject({
        status: 200,
        body: { status: 'failed', endReason: 'browser_crashed' },
      });
    });

    it('ends a session that still waits for a worker', async () => {
      api.worker.launches = 'ignored';
      const { body } = await create({}, { prefer: 'respond-async' });
      expect(await api.call('DELETE', `/v1/sessions/${String(body['id'])}`)).toMatchObject({
        status: 200,
        body: { status: 'released', liveAt: null, duration: 0 },
      });
    });

    it('carries the same operation id over retries with the same request id', async () => {
      const session = await api.createLive();
      const headers = { 'x-request-id': 'retry-me' };
      const answers = await Promise.all([
        api.call('POST', `/v1/sessions/${session.id}/release`, { headers }),
        api.call('POST', `/v1/sessions/${session.id}/release`, { headers }),
      ]);
      for (const answer of answers)
        expect(answer).toMatchObject({ status: 200, body: { status: 'released' } });
      expect(answers[0].headers.get('x-request-id')).toBe('retry-me');
    });

    it('does not know a session that was never created', async () => {
      expect(await api.call('POST', '/v1/sessions/nobody/release')).toMatchObject({
        status: 404,
        body: { code: 'session_not_found' },
      });
    });
  });

  describe('release of all', () => {
    it('ends the sessions that the labels select, created and live, and no others', async () => {
      const labels = { batch: 'one' };
      await Promise.all([1, 2, 3].map(() => api.createLive({ labels })));
      api.worker.launches = 'ignored';
      await create({ labels }, { prefer: 'respond-async' });
      api.worker.launches = 'live';
      const other = await api.createLive({ labels: { batch: 'two' } });
      const body = { labelSelector: 'batch=one' };

      expect(
        await api.call('POST', '/v1/sessions/release', { body: { ...body, dryRun: true } }),
      ).toMatchObject({
        status: 200,
        body: { success: true, matched: 4, released: 0, failed: 0 },
      });
      expect((await api.call('POST', '/v1/sessions/release', { body })).body).toEqual({
        success: true,
        message: 'All sessions released successfully',
        matched: 4,
        released: 4,
        failed: 0,
      });
      expect((await api.call('GET', `/v1/sessions/${other.id}`)).body['status']).toBe('live');
      const listed = await api.call('GET', '/v1/sessions?labelSelector=batch%3Done');
      const found = listed.body['sessions'] as { endReason: string }[];
      expect(found.map(({ endReason }) => endReason)).toEqual(Array(4).fill('released_by_bulk'));
    });

    it('ends everything of the tenant, and can be repeated', async () => {
      await Promise.all(Array.from({ length: 60 }, () => create({}, { prefer: 'respond-async' })));
      const first = await api.call('POST', '/v1/sessions/release');
      expect(first.body['failed']).toBe(0);
      expect(first.body['released']).toBe(first.body['matched']);
      expect(Number(first.body['released'])).toBeGreaterThanOrEqual(60);
      expect((await api.call('POST', '/v1/sessions/release')).body).toMatchObject({
        success: true,
        matched: 0,
      });
    });

    it('lets a session have the id release', async () => {
      await create({ sessionId: 'release' });
      expect((await api.call('GET', '/v1/sessions/release')).body).toMatchObject({ id: 'release' });
      expect((await api.call('DELETE', '/v1/sessions/release')).body).toMatchObject({ status: 'released' });
    });
  });

  describe('list', () => {
    it('pages through all sessions of a label, newest first, each once', async () => {
      const labels = { list: 'pages' };
      const made: string[] = [];
      for (let i = 0; i < 5; i += 1) made.unshift((await api.createLive({ labels })).id);

      const seen: string[] = [];
      let next: string | null = '/v1/sessions?labelSelector=list%3Dpages&limit=2&status=live';
      while (next !== null) {
        const { status, body, headers }: Answer = await api.call('GET', next);
        expect(status).toBe(200);
        seen.push(...(body['sessions'] as { id: string }[]).map(({ id }) => id));
        expect(body['hasMore']).toBe(body['nextCursor'] !== null);
        next = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1] ?? null;
        expect(next === null).toBe(body['nextCursor'] === null);
      }
      expect(seen).toEqual(made);
    });

    it('filters by status', async () => {
      const session = await api.createLive({ labels: { list: 'status' } });
      await api.call('DELETE', `/v1/sessions/${session.id}`);
      const ids = async (status: string): Promise<string[]> => {
        const { body } = await api.call('GET', `/v1/sessions?labelSelector=list=status&status=${status}`);
        return (body['sessions'] as { id: string }[]).map(({ id }) => id);
      };
      expect(await ids('released')).toEqual([session.id]);
      expect(await ids('live')).toEqual([]);
    });

    it('refuses a cursor that the service did not make', async () => {
      expect(await api.call('GET', '/v1/sessions?cursor=nonsense')).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', errors: [{ pointer: 'query/cursor' }] },
      });
    });
  });

  describe('history and live details', () => {
    it('shows every event, in order', async () => {
      const session = await api.createLive();
      await api.call('DELETE', `/v1/sessions/${session.id}`);
      const history = await events(session.id);
      expect(history.map(({ seq, event, from, to, actor }) => ({ seq, event, from, to, actor }))).toEqual([
        { seq: 1, event: 'created', from: null, to: 'created', actor: 'key:default' },
        { seq: 2, event: 'claim', from: 'created', to: 'created', actor: 'worker:stand-in' },
        { seq: 3, event: 'browser_ready', from: 'created', to: 'live', actor: 'worker:stand-in' },
        { seq: 4, event: 'release', from: 'live', to: 'released', actor: 'key:default' },
      ]);
      const times = history.map(({ at }) => String(at));
      expect(times).toEqual([...times].sort());
      expect(await api.call('GET', '/v1/sessions/nobody/events')).toMatchObject({ status: 404 });
    });

    it('show the open pages of a live session', async () => {
      const session = await api.createLive({ idleTimeout: 60_000 });
      const { status, body } = await api.call('GET', `/v1/sessions/${session.id}/live`);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        id: session.id,
        websocketUrl: session.websocketUrl,
        wsUrl: session.websocketUrl,
        pages: [{ id: 'PAGE1', url: 'https://example.test/', title: 'Example' }],
        pagesKnown: true,
        traffic: null,
        clientsAttached: 0,
        lastActivityAt: null,
      });
      expect(Date.parse(String(body['idleExpiresAt']))).toBe(Date.parse(session.liveAt ?? '') + 60_000);
    });

    it('have no live details before the session is live and after its end', async () => {
      api.worker.launches = 'ignored';
      const { body } = await create({}, { prefer: 'respond-async' });
      const path = `/v1/sessions/${String(body['id'])}`;
      expect(await api.call('GET', `${path}/live`)).toMatchObject({
        status: 409,
        body: { code: 'session_not_live' },
      });
      await api.call('DELETE', path);
      expect(await api.call('GET', `${path}/live`)).toMatchObject({
        status: 409,
        body: { code: 'session_ended', sessionStatus: 'released', endReason: 'released_by_client' },
      });
    });
  });
});
