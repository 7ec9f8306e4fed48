import { pause } from '../../src/core/abort';
import { checkHistory } from '../chaos/checker';
import { Installation, type SessionView } from '../support/installation';
import { startRedis, type TestRedis } from '../support/redis';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

/* Jobs are hints (I16): without any queue, rows and sweeps make every session live and end it. */

let redis: TestRedis;
let installation: Installation;

beforeAll(async () => {
  redis = await startRedis();
  const env = { REDIS_URL: redis.url, HOLDFAST_SLOTS: '2' };
  installation = await Installation.start({ env });
});
afterAll(async () => {
  await installation.stop();
  await redis.stop();
});

/** Deletes all keys of BullMQ in Redis, in one step; answers how many jobs were deleted. */
async function deleteQueues(): Promise<number> {
  const script = `
    local jobs = 0
    for _, queue in ipairs({ 'launch', 'sessions', 'timers' }) do
      for _, key in ipairs(redis.call('KEYS', '{hf}:' .. queue .. ':*')) do
        if redis.call('TYPE', key).ok == 'hash' and redis.call('HEXISTS', key, 'data') == 1 then jobs = jobs + 1 end
        redis.call('DEL', key)
      end
    end
    return jobs`;
  return Number(await redis.cli('eval', script, '0'));
}

test('with every queue deleted, waiting sessions become live and live ones end on time', async () => {
  const accept = async (wish: Record<string, unknown>): Promise<SessionView> =>
    (await installation.call('POST', '/v1/sessions', wish, { prefer: 'respond-async' })).body;
  const live = [await installation.create({ timeout: 6_000 }), await installation.create({ timeout: 7_000 })];
  const served = [await accept({ timeout: 3_000 }), await accept({ timeout: 3_000 })];
  const given = await accept({ queueTimeout: 4_000 });
  // The launches that wait for a slot, and every timer.
  expect(await deleteQueues()).toBeGreaterThanOrEqual(3);

  const late: Record<string, number> = {};
  for (const { id, expiresAt } of live) {
    const ended = await installation.until(id, ({ endedAt }) => endedAt !== null, 10_000);
    expect(ended).toMatchObject({ status: 'timed_out', endReason: 'session_timeout' });
    late[id] = Date.parse(ended.endedAt ?? '') - Date.parse(expiresAt ?? '');
  }
  const unserved = await installation.until(given.id, ({ endedAt }) => endedAt !== null);
  expect(unserved).toMatchObject({ status: 'failed', endReason: 'queue_timeout' });
  late[given.id] = Date.parse(unserved.endedAt ?? '') - Date.parse(given.createdAt) - 4_000;
  for (const { id } of served) {
    const session = await installation.until(id, ({ endedAt }) => endedAt !== null, 15_000);
    expect(session).toMatchObject({ status: 'timed_out', endReason: 'session_timeout' });
    late[id] = Date.parse(session.endedAt ?? '') - Date.parse(session.liveAt ?? '') - 3_000;
  }
  for (const lateMs of Object.values(late)) {
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(scaled(1_000));
  }
  for (const { id } of [...live, ...served, given]) {
    const [view, history] = [await installation.read(id), await installation.history(id)];
    expect(checkHistory({ id, view, history })).toEqual([]);
  }
});

test('with every queue deleted again and again, a session is still made, released and gone', async () => {
  const deleting = { over: false };
  const deletions = (async () => {
    while (!deleting.over) {
      await deleteQueues();
      await pause(10);
    }
  })();
  try {
    const { body } = await installation.call('POST', '/v1/sessions', {}, { prefer: 'respond-async' });
    await installation.until(body.id, ({ status }) => status === 'live', 20_000);
    // The command may be lost with its queue. Then the caller gets an error, and repeats the call.
    const answer = await pollUntil('the release', { timeoutMs: 20_000, everyMs: 20 }, async () => {
      const { status, body: ended } = await installation.call('POST', `/v1/sessions/${body.id}/release`);
      return status === 503 ? undefined : { status, endReason: ended.endReason };
    });
    expect(answer).toEqual({ status: 200, endReason: 'released_by_client' });
  } finally {
    deleting.over = true;
    await deletions;
  }
  await pollUntil('readiness', { timeoutMs: 5_000, everyMs: 20 }, async () =>
    (await installation.call('GET', '/readyz')).status === 200 ? true : undefined,
  );
});
