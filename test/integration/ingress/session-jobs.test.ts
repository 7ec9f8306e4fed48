import { refOf } from '../../../src/core/ids';
import { jobKey } from '../../../src/queue/ingress-job';
import { keys } from '../../../src/redis/keys';
import { startTestApi, type TestApi } from '../../support/api';
import { TestProducer } from '../../support/ingress';
import { pollUntil } from '../../support/poll-until';

describe('a job of another service', () => {
  let api: TestApi;
  let producer: TestProducer;
  beforeAll(async () => {
    api = await startTestApi();
    producer = await TestProducer.open(api.redis);
  });
  afterAll(async () => {
    await producer.close();
    await api.stop();
  });
  beforeEach(() => (api.worker.launches = 'live'));

  const history = async (id: string): Promise<Record<string, unknown>[]> => {
    const { body } = await api.call('GET', `/v1/sessions/${id}/events`);
    return body['events'] as Record<string, unknown>[];
  };
  const count = (): Promise<number> => producer.count();

  it('creates a session, and its result is the view that the API shows', async () => {
    const job = await producer.add('session.create', { timeout: 60_000, labels: { team: 'a' }, name: 'n' });
    const view = await producer.result(job);
    expect(view).toMatchObject({ status: 'live', timeout: 60_000, labels: { team: 'a' }, name: 'n' });
    const { body } = await api.call('GET', `/v1/sessions/${String(view['id'])}`);
    expect({ ...body, duration: 0 }).toEqual({ ...view, duration: 0 });
    expect((await history(String(view['id'])))[0]).toMatchObject({
      event: 'created',
      actor: `job:${job.id}`,
    });
  });

  it('creates a session with a context, which is made by its name', async () => {
    const context = { name: 'of jobs', persist: true, onConflict: 'replace' };
    const view = await producer.result(await producer.add('session.create', { context }));
    const { body } = await api.call('GET', '/v1/contexts?name=of%20jobs');
    expect(body['contexts']).toMatchObject([{ name: 'of jobs' }]);
    const [{ id } = { id: '' }] = body['contexts'] as { id: string }[];
    expect(view['context']).toMatchObject({ id, persist: true, onConflict: 'replace', lastSave: null });
    expect(await producer.failure('session.create', { context: { name: 'of jobs', persists: true } })).toBe(
      'invalid_request: /context/persists: is not known to this version of the service; did you mean `persist`?',
    );
  });

  it('reports its progress while the session waits and launches', async () => {
    api.worker.launches = 'ignored';
    const seen: unknown[] = [];
    producer.events.on('progress', ({ data }) => void seen.push(data));
    const first = await producer.add('session.create', { sessionId: 'waits-1' });
    const second = await producer.add('session.create', { sessionId: 'waits-2' });
    await pollUntil('both to be told', { timeoutMs: 5_000, everyMs: 5 }, () =>
      seen.length >= 2 ? true : undefined,
    );
    expect(seen).toEqual([
      { state: 'queued', sessionId: 'waits-1', position: 1 },
      { state: 'queued', sessionId: 'waits-2', position: 2 },
    ]);
    await api.call('POST', '/v1/sessions/release');
    await expect(producer.result(first)).rejects.toThrow(/^released_by_bulk: session waits-1 is released/);
    await expect(producer.result(second)).rejects.toThrow(/^released_by_bulk: /);
  });

  it('fails with the end reason when the session ends before it was live', async () => {
    api.worker.launches = 'failed';
    expect(await producer.failure('session.create')).toMatch(/^launch_failed: session .* is failed/);
    api.worker.launches = 'ignored';
    expect(await producer.failure('session.create', { queueTimeout: 1_000 })).toMatch(/^queue_timeout: /);
  });

  it.each([
    ['session.create', { timeOut: 60_000 }, '/timeOut', 'timeout'],
    ['session.create', { dedup_key: 'k' }, '/dedup_key', 'dedupKey'],
    ['session.create', { proxyUrl: 'http://p.example:1' }, '/proxyUrl', 'proxy'],
    ['session.extend', { sessionId: 'x', timeOut: 60_000 }, '/timeOut', 'timeout'],
    ['session.release', { sessionId: 'x', sesionId: 'y' }, '/sesionId', 'sessionId'],
    ['session.run', { session: { timeOut: 1 }, steps: [{ do: 'pdf' }] }, '/session/timeOut', 'timeout'],
    ['session.run', { steps: [{ do: 'click', selector: 'a', timeOut: 1 }] }, '/steps/0/timeOut', 'timeout'],
    ['session.run', { steps: [{ do: 'pdf' }], sesion: {} }, '/sesion', 'session'],
  ])('refuses unknown names in a %s, and suggests the right one: %j', async (name, data, pointer, meant) => {
    const before = await count();
    expect(await producer.failure(name, data)).toBe(
      `invalid_request: ${pointer}: is not known to this version of the service; did you mean \`${meant}\`?`,
    );
    expect(await count()).toBe(before);
  });

  it('extends a session, once for each job', async () => {
    const { id } = await api.createLive({ timeout: 60_000 });
    const view = await producer.run('session.extend', {
      sessionId: id,
      timeout: 120_000,
      labels: { a: 'b' },
    });
    expect(view).toMatchObject({ id, status: 'live', timeout: 120_000, labels: { a: 'b' } });
    const later = new Date(Date.parse(String(view['expiresAt'])) + 60_000).toISOString();
    expect(await producer.run('session.extend', { sessionId: id, expiresAt: later })).toMatchObject({
      timeout: 180_000,
    });
    await producer.run('session.release', { sessionId: id });
    expect(await producer.failure('session.extend', { sessionId: id, timeout: 1_000 })).toMatch(
      /^session_ended: /,
    );
  });

  it('releases a session, also one that has ended before', async () => {
    const { id } = await api.createLive();
    const outcome = { id, status: 'released', endReason: 'released_by_client' };
    expect(await producer.run('session.release', { sessionId: id })).toEqual(outcome);
    expect(await producer.run('session.release', { sessionId: id })).toEqual(outcome);
    expect(await producer.failure('session.release', { sessionId: 'nobody' })).toMatch(
      /^session_not_found: /,
    );
  });

  it('makes one session together with all jobs that have its dedup key', async () => {
    const before = await count();
    const views = await Promise.all(
      Array.from({ length: 8 }, () => producer.run('session.create', { dedupKey: 'order-1', name: 'x' })),
    );
    expect(new Set(views.map(({ id }) => id)).size).toBe(1);
    expect(await count()).toBe(before + 1);
    expect(await producer.failure('session.create', { dedupKey: 'order-1', name: 'y' })).toMatch(
      /^idempotency_key_reused: /,
    );
  });

  it('fails when its session has already been live and ended', async () => {
    const { id } = await producer.run('session.create', { dedupKey: 'lives-once' });
    await producer.run('session.release', { sessionId: id });
    expect(await producer.failure('session.create', { dedupKey: 'lives-once' })).toBe(
      `session_ended: session ${String(id)} was live and is released (released_by_client)`,
    );
  });

  it('makes a new session when an earlier job with the same id was removed', async () => {
    const first = await producer.add('session.create', {}, { jobId: 'again' });
    const { id } = await producer.result(first);
    await first.remove();
    const second = await producer.add(
      'session.create',
      {},
      { jobId: 'again', timestamp: first.timestamp + 1 },
    );
    expect((await producer.result(second))['id']).not.toBe(id);
  });

  it('that is removed while it waits in the queue creates nothing', async () => {
    const before = await count();
    // Far enough in the future that no consumer has taken it.
    const job = await producer.add('session.create', {}, { delay: 60_000 });
    await job.remove();
    await producer.run('session.create');
    expect(await count()).toBe(before + 1);
  });

  it('with steps continues where it was, and its progress is deleted after its end', async () => {
    const { id } = await producer.run('session.create');
    const job = await producer.add(
      'session.run',
      { sessionId: id, steps: [{ do: 'extract', selector: 'p' }], then: 'keep' },
      { delay: 60_000 },
    );
    const key = jobKey({ id: job.id ?? '', addedAtMs: job.timestamp });
    await api.deps.runs.save(key, { done: 1, outputs: ['{"step":1,"value":"won"}'] });
    await job.promote();
    expect(await producer.result(job)).toMatchObject({
      session: { status: 'live' },
      outputs: [{ step: 1, value: 'won' }],
    });
    await pollUntil('the run to be forgotten', { timeoutMs: 2_000, everyMs: 5 }, async () =>
      (await api.deps.redis.exists(keys.run(key))) === 0 ? true : undefined,
    );
  });

  it('with steps is run once for its dedup key, and a second one does not touch the session', async () => {
    const { id } = await producer.run('session.create');
    const data = { sessionId: id, dedupKey: 'pay-1', steps: [{ do: 'extract', selector: 'p' }] };
    const first = await producer.add('session.run', data, { delay: 60_000, jobId: 'pays' });
    const key = jobKey({ id: first.id ?? '', addedAtMs: first.timestamp });
    expect(await api.deps.runs.otherOf('pay-1', { jobKey: key, id: 'pays' })).toBeNull();
    expect(await producer.failure('session.run', data)).toBe(
      'duplicate: job pays was the first job with this dedupKey',
    );
    expect((await api.call('GET', `/v1/sessions/${String(id)}`)).body['status']).toBe('live');
    await api.deps.runs.save(key, { done: 1, outputs: [] });
    await first.promote();
    expect(await producer.result(first)).toMatchObject({ session: { status: 'released' } });
  });

  it.each([
    ['a misspelt version', 'session.create', { v: 2 }, /^invalid_request: \/v: must be 1/],
    ['no version', 'session.create', { v: undefined }, /^invalid_request: \/v: /],
    [
      'a value out of range',
      'session.create',
      { timeout: 1 },
      /^invalid_request: \/timeout: must be at least/,
    ],
    ['a field that is not built yet', 'session.create', { recording: true }, /^not_supported: \/recording/],
    ['a blank dedup key', 'session.create', { dedupKey: '' }, /^invalid_request: \/dedupKey: /],
    [
      'nothing to change',
      'session.extend',
      { sessionId: 'x' },
      /^invalid_request: .*must change at least one field/,
    ],
    ['an unknown field', 'session.release', { sessionId: 'x', force: true }, /^invalid_request: .*force/],
    ['no session', 'session.release', {}, /^invalid_request: \/sessionId/],
    [
      'an unknown name',
      'session.explode',
      {},
      /^invalid_request: the name of a job must be one of session.create/,
    ],
    [
      'too much data',
      'session.create',
      { fill: 'x'.repeat(300_000) },
      /^invalid_request: the data is too large/,
    ],
    ['no steps', 'session.run', { steps: [] }, /^invalid_request: \/steps/],
    [
      'a step that does not exist',
      'session.run',
      { steps: [{ do: 'evaluate' }] },
      /^invalid_request: \/steps\/0.*one of goto/,
    ],
  ])('that has %s fails with a coded reason', async (_what, name, data, reason) => {
    expect(await producer.failure(name, data)).toMatch(reason);
  });

  it('is tried once and kept for an hour at most, whatever its options say', async () => {
    const greedy = {
      attempts: 1e6,
      backoff: 1,
      removeOnFail: false,
      removeOnComplete: false,
      stackTraceLimit: 50,
    };
    const job = await producer.add('session.create', { timeout: 1 }, greedy);
    await expect(producer.result(job)).rejects.toThrow(/^invalid_request/);
    const failed = await producer.queue.getJob(job.id ?? '');
    expect(failed).toMatchObject({ attemptsMade: 1, stacktrace: [] });
    // An hour later it is removed when the next job ends.
    await api.deps.redis.zadd('{hf-in}:ingress:failed', Date.now() - 3_601_000, job.id ?? '');
    await producer.failure('session.create', { timeout: 1 }, greedy);
    expect(await producer.queue.getJob(job.id ?? '')).toBeUndefined();
  });

  it('of a flow writes nothing into keys that its producer has chosen', async () => {
    const job = await producer.queue.add('session.create', { v: 1 }, { delay: 500 });
    await api.deps.redis.hset(`{hf-in}:ingress:${job.id}`, {
      parentKey: '{hf}:launch:victim',
      parent: JSON.stringify({ id: 'victim', queueKey: '{hf}:launch' }),
    });
    await expect(producer.result(job)).rejects.toThrow(/^invalid_request: .*flow/);
    expect(await api.deps.redis.keys('{hf}:launch:victim*')).toEqual([]);
  });

  it('belongs to the tenant that the operator has chosen', async () => {
    const other = await startTestApi({
      apiKeys: [{ tenant: 'jobs', key: 'key-of-jobs' }],
      ingressTenant: 'jobs',
    });
    const theirs = await TestProducer.open(other.redis);
    try {
      const { id } = await theirs.run('session.create');
      expect((await other.deps.sessions.load(refOf('jobs', String(id)))).record).not.toBeNull();
    } finally {
      await theirs.close();
      await other.stop();
    }
  });
});
