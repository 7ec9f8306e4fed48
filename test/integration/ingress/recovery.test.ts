import { pollUntil } from '../../../src/core/abort';
import { UNDER_WAY_MAX } from '../../../src/queue/ingress-consumer';
import { startTestApi, type TestApi } from '../../support/api';
import { TestProducer } from '../../support/ingress';

/* What BullMQ's own scripts write: a job that somebody has fetched, who is gone now. */
const JOBS = '{hf-in}:ingress';

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

  const created = (count: number): Promise<true> =>
    pollUntil(`${count} sessions`, { timeoutMs: 10_000, everyMs: 5 }, async () =>
      (await producer.count()) >= count ? true : undefined,
    );

  it('takes over what a dead one has left, in the order in which that had fetched it', async () => {
    const { redis } = api.deps;
    await redis.hset('{hf-in}:ingress:meta', 'paused', 1);
    const jobs = await producer.queue.addBulk(
      ['a', 'b', 'c'].map(sessionId => ({ name: 'session.create', data: { v: 1, sessionId } })),
    );
    await redis.hdel('{hf-in}:ingress:meta', 'paused');
    // Fetched, and then killed: active, without a lock.
    for (const { id } of jobs) {
      await redis
        .multi()
        .lrem(`${JOBS}:paused`, 0, id ?? '')
        .lrem(`${JOBS}:wait`, 0, id ?? '')
        .lpush(`${JOBS}:active`, id ?? '')
        .exec();
    }
    await created(3);
    expect((await producer.sessionIds()).slice(-3)).toEqual(['a', 'b', 'c']);
    expect((await redis.hget(`${JOBS}:${jobs[0]?.id}`, 'stc')) ?? '').toBe('1');
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
    await created(UNDER_WAY_MAX);
    const released = await producer.run('session.release', { sessionId: 's-0' }, { lifo: true });
    expect(released).toMatchObject({ status: 'released' });
    const first = jobs[0];
    if (first !== undefined) await expect(producer.result(first)).rejects.toThrow(/^released_by_client/);
    await created(UNDER_WAY_MAX + 1);
    expect(await producer.count()).toBe(UNDER_WAY_MAX + 1);
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
