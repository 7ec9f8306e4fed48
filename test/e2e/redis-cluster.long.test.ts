import { Queue } from 'bullmq';
import { SessionProducer } from '../../src/producer/session-producer';
import { blockingOptions, openRedis } from '../../src/redis/connection';
import { INGRESS_PREFIX, KEY_PREFIX } from '../../src/redis/keys';
import { expectLegal, untilCreates } from '../support/failover';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { startRedisCluster, type ClusterServer, type RedisCluster } from '../support/redis-cluster';
import { testLog } from '../support/store-fixture';

/* A cluster of three primaries and their replicas. */

let cluster: RedisCluster;
let installation: Installation;

beforeEach(async () => {
  cluster = await startRedisCluster();
  installation = await Installation.start({ env: { REDIS_URL: cluster.url } });
});
afterEach(async () => {
  await installation.stop();
  await cluster.stop();
});

/** The primary of all sessions is ended as given; resolves when the service works with its successor. */
async function failover(signal: 'SIGKILL' | 'SIGSTOP'): Promise<ClusterServer> {
  const before = await cluster.primaryOf(KEY_PREFIX);
  await before.kill(signal);
  await pollUntil('the next primary', { timeoutMs: 20_000, everyMs: 20 }, async () => {
    const now = await cluster.primaryOf(KEY_PREFIX).catch(() => before);
    return now.port === before.port ? undefined : true;
  });
  await untilCreates(installation);
  return before;
}

async function release({ id }: SessionView): Promise<void> {
  await installation.call('POST', `/v1/sessions/${id}/release`);
  await installation.until(id, ({ status }) => status === 'released');
}

test.each(['SIGKILL', 'SIGSTOP'] as const)(
  'sessions go on when the primary gets %s, and end as they should',
  async signal => {
    const [kept, due] = [await installation.create(), await installation.create({ timeout: 8_000 })];
    await failover(signal);
    expect((await installation.read(kept.id)).status).toBe('live');
    await release(kept);
    const over = await installation.until(due.id, ({ status }) => status === 'timed_out', 20_000);
    expect(Date.parse(over.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(over.expiresAt ?? ''));
    await expectLegal(installation, [kept, due]);
  },
);

test('a primary that comes back after its successor was chosen is not written to', async () => {
  const former = await failover('SIGSTOP');
  const session = await installation.create();
  await former.kill('SIGCONT');
  await pollUntil('the former primary to be a replica', { timeoutMs: 30_000, everyMs: 100 }, async () =>
    (await former.cli('info', 'replication')).includes('role:slave') ? true : undefined,
  );
  expect((await installation.read(session.id)).status).toBe('live');
  await release(session);
  await expectLegal(installation, [session]);
});

test('sessions live, begin and end while their slot moves to another node, six times', async () => {
  const [kept, due] = [await installation.create(), await installation.create({ timeout: 5_000 })];
  const passing: SessionView[] = [];
  let isMoving = true;
  const churn = (async () => {
    while (isMoving) {
      const { status, body } = await installation.call('POST', '/v1/sessions', {});
      if (status !== 201) continue;
      passing.push(body);
      await installation.call('POST', `/v1/sessions/${body.id}/release`);
    }
  })();
  for (let moves = 0; moves < 6; moves += 1) await cluster.moveSlot(KEY_PREFIX);
  isMoving = false;
  await churn;
  expect(passing.length).toBeGreaterThan(0);
  const over = await installation.until(due.id, ({ status }) => status === 'timed_out', 20_000);
  expect(Date.parse(over.endedAt ?? '') - Date.parse(over.expiresAt ?? '')).toBeLessThan(2_000);
  expect((await installation.read(kept.id)).status).toBe('live');
  for (const session of [kept, ...passing]) await release(session);
  await expectLegal(installation, [kept, due, ...passing]);
});

test('jobs of other services, which are on another node, are taken; a bad one is put into quarantine', async () => {
  expect((await cluster.primaryOf(INGRESS_PREFIX)).port).not.toBe((await cluster.primaryOf(KEY_PREFIX)).port);
  const producer = new SessionProducer({ redisUrl: cluster.url });
  const connection = openRedis(blockingOptions(cluster.url), testLog);
  const queue = new Queue('ingress', { connection, prefix: INGRESS_PREFIX });
  try {
    const { id } = await (await producer.create({ timeout: 60_000 })).result({ timeoutMs: 30_000 });
    await (await producer.release(id)).result({ timeoutMs: 30_000 });
    expect((await installation.read(id)).status).toBe('released');
    await queue.add('session.create', { v: 1 }, { delay: 200_000_000 });
    const entry = await pollUntil('the job in quarantine', { timeoutMs: 20_000, everyMs: 100 }, async () => {
      const { body } = await installation.call<{ jobs: unknown[] }>('GET', '/v1/jobs');
      return body.jobs[0];
    });
    expect(entry).toMatchObject({ queue: 'ingress', reason: 'too_far_delayed' });
    expect(await queue.getDelayedCount()).toBe(0);
  } finally {
    await producer.close();
    await queue.close();
    connection.disconnect();
  }
});

test('sessions live and end', async () => {
  const [kept, due] = [await installation.create(), await installation.create({ timeout: 3_000 })];
  await installation.call('POST', `/v1/sessions/${kept.id}/release`);
  await installation.until(kept.id, ({ status }) => status === 'released');
  const over = await installation.until(due.id, ({ status }) => status === 'timed_out', 20_000);
  const lateMs = Date.parse(over.endedAt ?? '') - Date.parse(over.expiresAt ?? '');
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(1_000);
  await expectLegal(installation, [kept, due]);
});
