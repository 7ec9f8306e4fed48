import { Browser } from '../../../src/client/browser';
import { HoldfastError, isHoldfastError, SessionEndedError } from '../../../src/client/errors';
import { startStubService, type Script, type StubService } from '../../support/stub-service';
import { pollUntil } from '../../support/poll-until';

const LIVE = { id: 's1', status: 'live', revision: 3, websocketUrl: 'ws://stub/', error: null };

const refusal = (status: number, code: string, further: object = {}): { status: number; body: object } => ({
  status,
  body: { code, message: `the service says ${code}`, retryable: status >= 500, ...further },
});

describe('a call', () => {
  let stub: StubService;
  const start = async (script: Script, options: object = {}): Promise<Browser> => {
    stub = await startStubService(script);
    return new Browser({ baseUrl: `${stub.url}/`, ...options });
  };
  const soon = { 'retry-after': '0.01' };
  afterEach(() => stub.stop());

  it('carries the key, a request id and JSON', async () => {
    const client = await start(() => ({ status: 201, body: LIVE }), { apiKey: 'secret' });
    await client.sessions.create({ timeout: 5_000 });
    expect(stub.requests).toMatchObject([
      {
        method: 'POST',
        url: '/v1/sessions',
        body: '{"timeout":5000}',
        headers: {
          authorization: 'Bearer secret',
          'content-type': 'application/json',
          'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
          'idempotency-key': expect.stringMatching(/^[0-9a-f-]{36}$/),
        },
      },
    ]);
  });

  it.each([
    ['is cut off', null],
    ['gets a Retry-After', { ...refusal(503, 'redis_unavailable'), headers: soon }],
    ['is one too many', { ...refusal(429, 'too_many', { retryable: true }), headers: soon }],
    ['meets a proxy without its service', { status: 502, body: 'Bad gateway', headers: soon }],
  ] as const)('that %s is sent again, as the same call', async (_what, first) => {
    const client = await start((_request, n) => (n === 0 ? first : { status: 201, body: LIVE }));
    expect(await client.sessions.create()).toMatchObject({ id: 's1' });
    expect(stub.requests).toHaveLength(2);
    for (const header of ['idempotency-key', 'x-request-id']) {
      expect(stub.requests[1]?.headers[header]).toBe(stub.requests[0]?.headers[header]);
    }
  });

  it('is tried three times in all, then rejects with the last answer', async () => {
    const client = await start(() => ({
      ...refusal(503, 'shutting_down', { requestId: 'r9' }),
      headers: { ...soon, 'x-request-id': 'r9' },
    }));
    await expect(client.sessions.retrieve('s1')).rejects.toMatchObject({
      code: 'shutting_down',
      status: 503,
      requestId: 'r9',
      retryable: true,
      retryAfterMs: 10,
    });
    expect(stub.requests).toHaveLength(3);
  });

  it.each([
    [
      'a refusal',
      refusal(422, 'not_supported', { errors: [{ pointer: '/recording', message: 'is known' }] }),
    ],
    ['a conflict', refusal(409, 'session_not_live', { retryable: true })],
    ['an error that forbids it', refusal(500, 'internal_error', { retryable: false })],
    ['a redirect', { status: 302, headers: { location: 'http://elsewhere.invalid/' } }],
  ] as const)('is not sent again after %s', async (_what, answer) => {
    const client = await start(() => answer);
    await expect(client.sessions.retrieve('s1')).rejects.toBeInstanceOf(HoldfastError);
    expect(stub.requests).toHaveLength(1);
  });

  it('names the fields that the service refuses', async () => {
    const errors = [{ pointer: '/recording', message: 'is not supported yet' }];
    const client = await start(() => refusal(422, 'not_supported', { errors }));
    const created = client.sessions.create({ recording: true });
    await expect(created).rejects.toMatchObject({ code: 'not_supported', status: 422, fields: errors });
    expect(stub.requests[0]?.body).toBe('{"recording":true}');
  });

  it('rejects with the end reason of a session that should be live', async () => {
    const client = await start(() =>
      refusal(409, 'session_ended', { sessionStatus: 'timed_out', endReason: 'idle_timeout' }),
    );
    const asked = client.sessions.liveDetails('s1');
    await expect(asked).rejects.toBeInstanceOf(SessionEndedError);
    await expect(asked).rejects.toMatchObject({ sessionStatus: 'timed_out', endReason: 'idle_timeout' });
  });

  it('reports when another service answers at the URL', async () => {
    const client = await start(() => ({ status: 200, body: '<html>' }));
    await expect(client.sessions.events('s1')).rejects.toMatchObject({
      code: 'unexpected_answer',
      status: 200,
    });
  });

  it('gives up after its time-out, with an error that can be retried', async () => {
    const client = await start(() => 'silence', { timeoutMs: 30, maxRetries: 0 });
    await expect(client.sessions.retrieve('s1')).rejects.toMatchObject({
      code: 'request_timeout',
      retryable: true,
      status: null,
    });
  });

  it('rejects with the reason of an aborted signal, also between two attempts', async () => {
    const reason = new Error('enough');
    const later = await start(() => ({ ...refusal(503, 'shutting_down'), headers: { 'retry-after': '60' } }));
    const abort = new AbortController();
    const asked = later.sessions.retrieve('s1', { signal: abort.signal });
    const rejected = expect(asked).rejects.toBe(reason);
    await pollUntil(
      'the first attempt',
      { timeoutMs: 5_000, everyMs: 5 },
      () => stub.requests.length > 0 || undefined,
    );
    abort.abort(reason);
    await rejected;
    await expect(later.sessions.retrieve('s1', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('sends a change with the revision as If-Match', async () => {
    const client = await start(() => ({ status: 200, body: LIVE }));
    const expiresAt = new Date('2030-01-01T00:00:00Z');
    await client.sessions.update('s1', { expiresAt, labels: { a: null } }, { ifRevision: 3 });
    expect(stub.requests).toMatchObject([
      {
        method: 'PATCH',
        url: '/v1/sessions/s1',
        headers: { 'if-match': '"3"' },
        body: '{"expiresAt":"2030-01-01T00:00:00.000Z","labels":{"a":null}}',
      },
    ]);
  });

  it('cannot leave its path, whatever an id is', async () => {
    const client = await start(() => refusal(404, 'session_not_found'));
    await expect(client.sessions.release('../x?y')).rejects.toMatchObject({ code: 'session_not_found' });
    expect(stub.requests[0]?.url).toBe('/v1/sessions/..%2Fx%3Fy/release');
  });

  // `/v1/sessions/./release` is `/v1/sessions/release`, which releases all of them.
  it.each(['', '.', '..'])('is not sent for "%s", which would be another route', async name => {
    const client = await start(() => ({ status: 200, body: LIVE }));
    const { sessions, workers, jobs } = client;
    const missing = { code: 'session_not_found' };
    await expect(sessions.release(name)).rejects.toMatchObject(missing);
    await expect(sessions.retrieve({ id: name })).rejects.toMatchObject(missing);
    await expect(sessions.waitFor(name)).rejects.toMatchObject(missing);
    await expect(sessions.download('s1', name)).rejects.toMatchObject({ code: 'download_not_found' });
    await expect(workers.drain(name)).rejects.toMatchObject({ code: 'worker_not_found' });
    await expect(jobs.discard(name)).rejects.toMatchObject({ code: 'job_not_found' });
    expect(stub.requests).toEqual([]);
  });
});

describe('a client', () => {
  it('finds the service by the environment or by a default', async () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async url => {
      asked.push(typeof url === 'string' ? url : 'no string');
      return Promise.resolve(Response.json({ events: [] }));
    };
    await new Browser({ fetch }).sessions.events('a');
    process.env['HOLDFAST_URL'] = 'https://browsers.example/base/';
    try {
      await new Browser({ fetch }).sessions.events('a');
      await new Browser({ fetch, baseUrl: 'http://here:1' }).sessions.events('a');
    } finally {
      delete process.env['HOLDFAST_URL'];
    }
    expect(asked).toEqual([
      'http://127.0.0.1:3000/v1/sessions/a/events',
      'https://browsers.example/base/v1/sessions/a/events',
      'http://here:1/v1/sessions/a/events',
    ]);
  });

  it('refuses an invalid URL', () => {
    expect(() => new Browser({ baseUrl: 'localhost:3000' })).toThrow(TypeError);
  });

  it('names the URL that did not answer', async () => {
    const client = new Browser({ baseUrl: 'http://127.0.0.1:1', maxRetries: 0 });
    const error: unknown = await client.sessions.retrieve('a').catch((thrown: unknown) => thrown);
    expect(isHoldfastError(error, 'connection_failed')).toBe(true);
    expect(String(error)).toContain('http://127.0.0.1:1 cannot be reached: ');
  });
});
