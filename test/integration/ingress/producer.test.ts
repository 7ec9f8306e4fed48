import { Queue } from 'bullmq';
import { isJobError, SessionProducer, type Progress } from '../../../src/producer/producer';
import { blockingOptions } from '../../../src/redis/connection';
import { INGRESS_RULES, INGRESS_USER } from '../../../src/redis/ingress-acl';
import { INGRESS_PREFIX } from '../../../src/redis/keys';
import { startTestApi, type TestApi } from '../../support/api';
import { pollUntil } from '../../support/poll-until';

describe('a session producer', () => {
  let api: TestApi;
  let producer: SessionProducer;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.stop());
  beforeEach(() => {
    api.worker.launches = 'live';
    producer = new SessionProducer({ redisUrl: api.redis.url });
  });
  afterEach(() => producer.close());

  const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'no error',
      (error: unknown) => (isJobError(error) ? error.code : error),
    );

  it('creates, extends and releases a session', async () => {
    const created = await producer.create({ timeout: 60_000, labels: { a: 'b' } });
    expect(created.sessionId).toBeNull();
    const session = await created.result();
    expect(session).toMatchObject({ status: 'live', labels: { a: 'b' } });
    expect(session.websocketUrl).toContain(session.id);
    expect(created.sessionId).toBe(session.id);
    const longer = await (await producer.extend(session.id, { timeout: 90_000 })).result();
    expect(longer.timeout).toBe(90_000);
    const outcome = await (await producer.release(session.id)).result();
    expect(outcome).toEqual({ id: session.id, status: 'released', endReason: 'released_by_client' });
  });

  it('finds the result of a job that had ended before it listened, also in another process', async () => {
    const { jobId } = await producer.create();
    await producer.create().then(async later => later.result());
    const other = new SessionProducer({ redisUrl: api.redis.url });
    expect(await other.job(jobId).result({ timeoutMs: 2_000 })).toMatchObject({ status: 'live' });
    await other.close();
  });

  it('misses no result, whenever it comes', async () => {
    const jobs = await Promise.all(Array.from({ length: 50 }, () => producer.create()));
    const views = await Promise.all(jobs.map(job => job.result({ timeoutMs: 10_000 })));
    expect(new Set(views.map(({ id }) => id)).size).toBe(50);
  });

  it('fails with the code of the failure', async () => {
    expect(await codeOf((await producer.create({ timeout: 1 })).result())).toBe('invalid_request');
    api.worker.launches = 'failed';
    expect(await codeOf((await producer.create()).result())).toBe('launch_failed');
    expect(await codeOf((await producer.release('nobody')).result())).toBe('session_not_found');
    expect(await codeOf(producer.job('nobody').result())).toBe('job_not_found');
  });

  it('reports the progress of a job', async () => {
    api.worker.launches = 'ignored';
    const job = await producer.create({ sessionId: 'told' });
    const heard: Progress[] = [];
    const listening = (async () => {
      for await (const progress of job.progress()) heard.push(progress);
    })();
    await pollUntil('the first word', { timeoutMs: 5_000, everyMs: 5 }, () => heard[0]);
    expect(heard).toEqual([{ state: 'queued', sessionId: 'told', position: 1 }]);
    await api.call('POST', '/v1/sessions/told/release');
    await listening;
    expect(await codeOf(job.result())).toBe('released_by_client');
  });

  it('stops waiting after its time, and the job goes on', async () => {
    api.worker.launches = 'ignored';
    const job = await producer.create({ sessionId: 'slow' });
    expect(await codeOf(job.result({ timeoutMs: 50 }))).toBe('wait_timeout');
    const abort = new AbortController();
    const waiting = job.result({ signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    const last = job.result();
    await api.call('POST', '/v1/sessions/slow/release');
    expect(await codeOf(last)).toBe('released_by_client');
  });

  it('cancels a job that no consumer has begun with', async () => {
    const job = await producer.create({ sessionId: 'not-yet' }, { delayMs: 60_000 });
    const waiting = codeOf(job.result());
    expect(await job.cancel()).toBe('removed');
    expect(await waiting).toBe('cancelled');
    expect((await api.call('GET', '/v1/sessions/not-yet')).status).toBe(404);
    expect(await codeOf(job.cancel())).toBe('job_not_found');
  });

  it('releases the session of a job that is under way', async () => {
    api.worker.launches = 'ignored';
    const job = await producer.create();
    expect(await job.cancel()).toBe('released');
    expect(await codeOf(job.result())).toBe('released_by_client');
    api.worker.launches = 'live';
    const done = await producer.create();
    await done.result();
    expect(await done.cancel()).toBe('too_late');
  });

  it.each([
    ['an id with a colon', {}, { jobId: 'a:b' }],
    ['an id that is a number', {}, { jobId: '12' }],
    ['a delay that is no number', {}, { delayMs: Number.NaN }],
    ['a delay of more than a day', {}, { delayMs: 86_400_001 }],
    ['data that is no JSON', { name: 'x', toJSON: () => 5n }, {}],
  ])('refuses %s without adding a job', async (_what, data, options) => {
    expect(await codeOf(producer.create(data, options))).toBe('invalid_request');
  });

  it('needs no other rights than those of the Redis user for other services', async () => {
    await api.redis.cli('ACL', 'SETUSER', INGRESS_USER, 'reset', 'on', '>hush', ...INGRESS_RULES);
    const redisUrl = api.redis.url.replace('unix://', `unix://${INGRESS_USER}:hush@localhost`);
    const confined = new SessionProducer({ redisUrl });
    try {
      const job = await confined.create({ dedupKey: 'confined' });
      const { id } = await job.result({ timeoutMs: 5_000 });
      expect(await (await confined.release(id)).result()).toMatchObject({ status: 'released' });
      api.worker.launches = 'ignored';
      const waits = await confined.create();
      expect(await waits.cancel()).toBe('released');
      expect(await (await confined.create({}, { delayMs: 60_000 })).cancel()).toBe('removed');
      const queue = new Queue('ingress', { prefix: INGRESS_PREFIX, connection: blockingOptions(redisUrl) });
      try {
        await pollUntil('the ended job to be removable', { timeoutMs: 2_000, everyMs: 5 }, async () =>
          (await api.deps.redis.exists(`${INGRESS_PREFIX}:ingress:${job.jobId}:processed`)) === 0
            ? true
            : undefined,
        );
        await (await queue.getJob(job.jobId))?.remove();
        expect(await queue.getJob(job.jobId)).toBeUndefined();
      } finally {
        await queue.close();
      }
      expect(await api.redis.cli('ACL', 'LOG')).toBe('');
    } finally {
      await confined.close();
    }
  });

  it('makes one session of jobs with one dedup key', async () => {
    const jobs = await Promise.all([1, 2, 3].map(() => producer.create({ dedupKey: 'one' })));
    const views = await Promise.all(jobs.map(job => job.result()));
    expect(new Set(views.map(({ id }) => id)).size).toBe(1);
  });

  it('rejects when Redis is away, and leaves nothing behind when it is closed', async () => {
    const waiting = codeOf((await producer.create({ sessionId: 'kept' }, { delayMs: 60_000 })).result());
    await producer.close();
    expect(await waiting).toBe('closed');
    expect(await codeOf(producer.create())).toBe('closed');
    const lost = new SessionProducer({ redisUrl: 'redis://127.0.0.1:1' });
    await expect(lost.create()).rejects.toMatchObject({
      code: 'redis_unavailable',
      message: expect.stringContaining('ECONNREFUSED') as unknown,
    });
    await lost.close();
  }, 20_000);

  it('rejects when its password is wrong', async () => {
    await api.redis.cli('ACL', 'SETUSER', INGRESS_USER, 'reset', 'on', '>hush', ...INGRESS_RULES);
    const redisUrl = api.redis.url.replace('unix://', `unix://${INGRESS_USER}:wrong@localhost`);
    const stranger = new SessionProducer({ redisUrl });
    await expect(stranger.create()).rejects.toMatchObject({
      code: 'redis_unavailable',
      message: expect.stringContaining('WRONGPASS') as unknown,
    });
    await stranger.close();
  }, 20_000);
});

describe('a session producer that cancels an extension', () => {
  it('does not end the session when the extension is under way', async () => {
    const api = await startTestApi();
    const producer = new SessionProducer({ redisUrl: api.redis.url });
    try {
      const { id } = await (await producer.create()).result();
      await api.closeFirst();
      const job = await producer.extend(id, { timeout: 90_000 });
      // Fetched by a consumer that has not ended it yet.
      await api.deps.redis
        .multi()
        .lrem('{hf-in}:ingress:wait', 0, job.jobId)
        .lpush('{hf-in}:ingress:active', job.jobId)
        .exec();
      expect(await job.cancel()).toBe('too_late');
      await api.another();
      expect(await job.result({ timeoutMs: 20_000 })).toMatchObject({ status: 'live', timeout: 90_000 });
    } finally {
      await producer.close();
      await api.stop();
    }
  });
});

describe('a session producer whose Redis restarts', () => {
  it('still gets the result', async () => {
    const api = await startTestApi({}, { appendonly: true });
    const producer = new SessionProducer({ redisUrl: api.redis.url });
    try {
      api.worker.launches = 'ignored';
      const job = await producer.create({ sessionId: 'through' });
      const waiting = job.result({ timeoutMs: 20_000 }).catch((error: unknown) => error);
      await pollUntil('the session', { timeoutMs: 5_000, everyMs: 10 }, async () =>
        (await api.call('GET', '/v1/sessions/through')).status === 200 ? true : undefined,
      );
      await api.redis.kill('SIGKILL');
      await api.redis.restart();
      await pollUntil('the release', { timeoutMs: 10_000, everyMs: 50 }, async () =>
        (await api.call('POST', '/v1/sessions/through/release')).status === 200 ? true : undefined,
      );
      expect(await waiting).toMatchObject({ code: 'released_by_client' });
    } finally {
      await producer.close();
      await api.stop();
    }
  });
});
