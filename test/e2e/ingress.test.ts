import { pollUntil } from '../../src/core/abort';
import { Random } from '../chaos/random';
import { TestProducer } from '../support/ingress';
import { Installation, type Role, type SessionView } from '../support/installation';
import { startRedis, type TestRedis } from '../support/redis';

const JOBS = 1_000;

describe('session jobs of other services', () => {
  let installation: Installation;
  let producer: TestProducer;
  let redis: TestRedis;
  beforeAll(async () => {
    // Order and number hold for what Redis has said it keeps; with `everysec` it may say so while an fsync runs and not have it.
    redis = await startRedis({ appendonly: true, appendfsync: 'always' });
    installation = await Installation.start({ env: { HOLDFAST_SLOTS: '60', REDIS_URL: redis.url } });
    producer = await TestProducer.open(redis);
  });
  afterAll(async () => {
    await producer.close();
    await installation.stop();
    await redis.stop();
  });

  const sessions = async (): Promise<SessionView[]> => {
    const all: SessionView[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const at: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page: { body: { sessions: SessionView[]; nextCursor: string | null } } = await installation.call(
        'GET',
        `/v1/sessions?limit=100${at}`,
      );
      all.push(...page.body.sessions);
      cursor = page.body.nextCursor;
    }
    return all.reverse();
  };

  it(`${JOBS} creates keep their order and lose none while API, worker and Redis are killed`, async () => {
    // The moments follow from the seed; what is killed in them does not.
    const random = new Random(4);
    const victims: Role[] = ['api', 'redis', 'worker', 'api', 'redis'];
    const at = victims.map((_, index) => Math.floor(((index + random.next()) * JOBS) / victims.length));
    const ids = Array.from({ length: JOBS }, (_, index) => `fifo-${String(index).padStart(4, '0')}`);
    const jobs = await producer.queue.addBulk(
      ids.map(sessionId => ({
        name: 'session.create',
        // One second each, so that they make room for each other.
        data: { v: 1, sessionId, timeout: 1_000, queueTimeout: 600_000 },
      })),
    );

    for (const [index, victim] of victims.entries()) {
      await pollUntil(`${at[index]} sessions`, { timeoutMs: 60_000, everyMs: 2 }, async () => {
        return (await producer.count()) >= (at[index] ?? 0) ? true : undefined;
      });
      if (victim === 'redis') {
        await redis.kill('SIGKILL');
        await redis.restart();
      } else {
        const old = await installation.signal(victim, 'SIGKILL');
        await installation.replaced(victim, old);
      }
    }
    await pollUntil('every job to end', { timeoutMs: 90_000, everyMs: 100 }, async () => {
      const counts = await producer.queue.getJobCounts().catch(() => null);
      return counts !== null && (counts['completed'] ?? 0) + (counts['failed'] ?? 0) >= JOBS
        ? true
        : undefined;
    });

    const made = await sessions();
    expect(made.map(({ id }) => id)).toEqual(ids);
    const ends = await Promise.all(jobs.map(async job => producer.queue.getJob(job.id ?? '')));
    expect(ends.flatMap(job => (job?.failedReason === undefined ? [] : [job.failedReason]))).toEqual([]);
  }, 150_000);

  it('are taken up again when the API dies, without a second session', async () => {
    const before = (await sessions()).length;
    // Frozen, until the keeper sees it and has another one started: so long the session waits.
    const worker = await installation.signal('worker', 'SIGSTOP');
    const job = await producer.add('session.create', { queueTimeout: 60_000, sessionId: 'survivor' });
    await installation.until('survivor', ({ status }) => status === 'created');
    const api = await installation.signal('api', 'SIGKILL');
    await installation.replaced('api', api);
    await installation.replaced('worker', worker);
    const view = await producer.result(job, 30_000);
    expect(view).toMatchObject({ id: 'survivor', status: 'live' });
    expect((await sessions()).length).toBe(before + 1);
    await installation.call('POST', '/v1/sessions/survivor/release');
  }, 60_000);

  it('are handed back, not failed, when the API shuts down', async () => {
    const worker = await installation.signal('worker', 'SIGSTOP');
    const job = await producer.add('session.create', { sessionId: 'handed-back' });
    await installation.until('handed-back', ({ status }) => status === 'created');
    const api = await installation.signal('api', 'SIGTERM');
    await installation.replaced('api', api);
    await installation.replaced('worker', worker);
    expect(await producer.result(job, 20_000)).toMatchObject({ id: 'handed-back', status: 'live' });
    await installation.call('POST', '/v1/sessions/handed-back/release');
  }, 60_000);
});
