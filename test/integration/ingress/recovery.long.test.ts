import { UNDER_WAY_MAX } from '../../../workers/consumers/ingress';
import { jobKey } from '../../../src/queue/ingress-job';
import { startTestApi, type TestApi } from '../../support/api';
import { TestProducer } from '../../support/ingress';
import { pollUntil } from '../../support/poll-until';

/* Writes what BullMQ's scripts write: a job that a consumer has fetched, and that consumer is gone now. */
const JOBS = '{hf-in}:ingress';
const ACCEPTED = '{hf-in}:accepted';

const DELETE_ACCEPTED = `for _, key in ipairs(redis.call('KEYS', '${ACCEPTED}:*')) do redis.call('DEL', key) end`;

describe('the consumer of jobs', () => {
  let api: TestApi;
  let producer: TestProducer;
  beforeEach(async () => {
    api = await startTestApi();
    api.worker.launches = 'ignored';
    producer = await TestProducer.open(api.redis);
  });
  afterEach(async () => {
    await producer.close();
    await api.stop();
  });

  const created = (count: number, timeoutMs = 10_000): Promise<true> =>
    pollUntil(`${count} sessions`, { timeoutMs, everyMs: 5 }, async () =>
      (await producer.count()) >= count ? true : undefined,
    );

  it('takes over the jobs of a dead one before all others', async () => {
    const { redis } = api.deps;
    await api.closeFirst();
    const jobs = await producer.queue.addBulk(
      ['a', 'b', 'c'].map(sessionId => ({ name: 'session.create', data: { v: 1, sessionId } })),
    );
    // Fetched, and then killed: active, without a lock.
    await redis.rpoplpush(`${JOBS}:wait`, `${JOBS}:active`);
    await api.another();
    await created(3);
    expect(await producer.sessionIds()).toEqual(['a', 'b', 'c']);
    expect(await redis.hget(`${JOBS}:${jobs[0]?.id}`, 'stc')).toBe('1');
  });

  it('keeps the order with a second one beside it', async () => {
    await api.another();
    const ids = Array.from({ length: 40 }, (_, index) => `s-${String(index).padStart(3, '0')}`);
    await producer.queue.addBulk(
      ids.map(sessionId => ({ name: 'session.create', data: { v: 1, sessionId } })),
    );
    await created(ids.length);
    expect(await producer.sessionIds()).toEqual(ids);
  });

  it('brings a job back in front of all that wait, whatever its priority and delay were', async () => {
    const job = await producer.add('session.create', { sessionId: 'first' }, { priority: 7, delay: 60_000 });
    const { redis } = api.deps;
    await redis.zrem(`${JOBS}:delayed`, job.id ?? '');
    // As a producer without BullMQ adds it.
    await redis
      .multi()
      .lpush(`${JOBS}:wait`, job.id ?? '')
      .zadd(`${JOBS}:marker`, 0, '0')
      .exec();
    await created(1);
    await api.call('POST', '/v1/sessions/first/release');
    await expect(producer.result(job, 5_000)).rejects.toThrow(/^released_by_client/);
  });

  it.each([
    ['deleted', ['DEL', `${ACCEPTED}:wait`, `${ACCEPTED}:active`, `${ACCEPTED}:delayed`]],
    ['emptied of everything', ['EVAL', DELETE_ACCEPTED, '0']],
  ])('goes on with jobs whose child was %s', async (_what, command) => {
    const jobs = [];
    for (const sessionId of ['a', 'b']) jobs.push(await producer.add('session.create', { sessionId }));
    await created(2);
    await api.closeFirst();
    await api.redis.cli(...command);
    await startSecond(api);
    await pollUntil('both to go on', { timeoutMs: 15_000, everyMs: 20 }, async () =>
      (await api.deps.redis.llen(`${ACCEPTED}:active`)) === 2 ? true : undefined,
    );
    await (await startSecond(api)).call('POST', '/v1/sessions/release');
    for (const job of jobs) await expect(producer.result(job)).rejects.toThrow(/^released_by_bulk/);
    expect(await producer.count()).toBe(2);
  });

  it.each([
    ['waits', (id: string) => ['LPUSH', `${ACCEPTED}:wait`, id]],
    ['has ended', (id: string) => ['ZADD', `${ACCEPTED}:completed`, '1', id]],
    ['is in no list', () => ['PING']],
  ])('goes on with a job although under the id of its child something else %s', async (_what, command) => {
    const job = await producer.add('session.create', { sessionId: 'a' }, { delay: 60_000 });
    const other = `a.${jobKey({ id: job.id ?? '', addedAtMs: job.timestamp })}`;
    await api.redis.cli('HSET', `${ACCEPTED}:${other}`, 'name', 'n', 'data', '{"junk":true}', 'opts', '{}');
    await api.redis.cli(...command(other));
    await job.promote();
    await created(1);
    await api.call('POST', '/v1/sessions/a/release');
    await expect(producer.result(job, 15_000)).rejects.toThrow(/^released_by_client/);
  });

  it('does not let a producer remove a job that is under way', async () => {
    const job = await producer.add('session.create', { sessionId: 'a' });
    await created(1);
    await pollUntil('it to be under way', { timeoutMs: 2_000, everyMs: 5 }, async () =>
      (await api.deps.redis.llen(`${ACCEPTED}:active`)) === 1 ? true : undefined,
    );
    await expect(job.remove()).rejects.toThrow(/locked/);
    await api.call('POST', '/v1/sessions/a/release');
    await expect(producer.result(job)).rejects.toThrow(/^released_by_client/);
  });

  it('puts its jobs back when it closes, and the next one goes on with them', async () => {
    const jobs = [];
    for (const sessionId of ['a', 'b', 'c']) jobs.push(await producer.add('session.create', { sessionId }));
    await created(3);
    const second = await startSecond(api);
    await api.closeFirst();
    const waitingOrTaken = await producer.queue.getJobCounts();
    expect(waitingOrTaken['failed'] ?? 0).toBe(0);
    await second.call('POST', '/v1/sessions/release');
    for (const job of jobs) await expect(producer.result(job)).rejects.toThrow(/^released_by_bulk/);
    expect(await producer.count()).toBe(3);
  });

  it(`has ${UNDER_WAY_MAX} jobs under way at most, and lets releases pass that make room`, async () => {
    const jobs = await producer.queue.addBulk(
      Array.from({ length: UNDER_WAY_MAX + 20 }, (_, index) => ({
        name: 'session.create',
        data: { v: 1, sessionId: `s-${index}` },
      })),
    );
    // Jobs are accepted one after the other, some milliseconds each, and slower on a busy machine.
    await created(UNDER_WAY_MAX, 20_000);
    const released = await producer.run('session.release', { sessionId: 's-0' }, { lifo: true });
    expect(released).toMatchObject({ status: 'released' });
    const first = jobs[0];
    if (first !== undefined) await expect(producer.result(first)).rejects.toThrow(/^released_by_client/);
    await created(UNDER_WAY_MAX + 1);
    // One or two more are accepted before it is known that the earlier ones have begun.
    expect(await producer.count()).toBeLessThanOrEqual(UNDER_WAY_MAX + 5);
  });

  it('accepts nothing while Redis is away, and loses nothing', async () => {
    await producer.add('session.create', { sessionId: 'before' });
    await created(1);
    await api.redis.kill('SIGSTOP');
    const adding = producer.add('session.create', { sessionId: 'meanwhile' });
    await api.redis.kill('SIGCONT');
    await adding;
    await created(2);
    expect(await producer.sessionIds()).toEqual(['before', 'meanwhile']);
  });
});

/** One more API on the same Redis. */
async function startSecond(
  api: TestApi,
): Promise<{ call: (method: string, path: string) => Promise<Response> }> {
  const { url } = await api.another();
  return { call: (method, path) => fetch(url + path, { method }) };
}
