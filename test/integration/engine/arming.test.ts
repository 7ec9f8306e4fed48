import type { SessionRef } from '../../../src/core/ids';
import { ARMED_AHEAD_MS } from '../../../src/engine/timer-jobs';
import { keys } from '../../../src/redis/keys';
import { EngineFixture } from '../../support/engine-fixture';
import { pollUntil } from '../../support/poll-until';

/* Which deadlines have a delayed job, and when. */

let fixture: EngineFixture;
beforeEach(async () => (fixture = await EngineFixture.open()));
afterEach(() => fixture.close());

const SOON_MS = ARMED_AHEAD_MS / 2;

const jobs = async (): Promise<string[]> => {
  const timers = fixture.deps.producer.all().find(({ name }) => name === 'timers');
  return ((await timers?.getDelayed()) ?? []).map(({ id }) => id ?? '').sort();
};

/* What the sweep is to find: entries of the index and what their jobs are to name. */
const coming = async (from: string | null = null) => fixture.deps.arming.comingDue(ARMED_AHEAD_MS, from);

async function armedBySweep(count: number): Promise<void> {
  await fixture.withSweeper(() =>
    pollUntil('the jobs', { timeoutMs: 10_000, everyMs: 20 }, async () =>
      (await jobs()).length === count ? true : undefined,
    ),
  );
}

/* Moves the deadline of a session in index and row, as if time had passed. */
async function bringForward(ref: SessionRef, inMs: number): Promise<number> {
  const dueMs = (await fixture.deps.maintenance.nowMs()) + inMs;
  await fixture.deps.redis.hset(keys.row(ref), 'dl', JSON.stringify({ session: dueMs }));
  await fixture.deps.redis.zadd(keys.due, dueMs, `${ref}|session`);
  return dueMs;
}

test('a deadline that is far away has no job and leaves no effect behind', async () => {
  const { record } = await fixture.live({ timeoutMs: 3_600_000 });
  expect(await jobs()).toEqual([]);
  expect(await fixture.deps.redis.exists(keys.effects)).toBe(0);
  expect(await fixture.deps.redis.zscore(keys.due, `${record.ref}|session`)).not.toBeNull();
});

test('one that is near has its job from its commit on, until the session ends', async () => {
  const { record } = await fixture.live({ timeoutMs: SOON_MS });
  const { session = 0 } = record.snapshot.context.deadlines;
  expect(await jobs()).toEqual([`${record.ref}.session.${session}`]);
  await fixture.deps.stepper.apply({
    ...{ ref: record.ref, cause: 'test', actor: 'test' },
    event: (_record, nowMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs }),
  });
  expect(await jobs()).toEqual([]);
});

test('the sweep adds the job when the deadline comes near, once', async () => {
  const { record } = await fixture.live({ timeoutMs: 3_600_000 });
  const dueMs = await bringForward(record.ref, SOON_MS);
  await armedBySweep(1);
  expect(await jobs()).toEqual([`${record.ref}.session.${dueMs}`]);
  expect((await coming()).deadlines).toEqual([]);
});

test('a job that the sweep has added ends its session without any sweep', async () => {
  const { record } = await fixture.live({ timeoutMs: 3_600_000 });
  await bringForward(record.ref, SOON_MS);
  await armedBySweep(1);
  await fixture.withTimers(async () => {
    const { snapshot } = await fixture.ended(record.ref, 2 * SOON_MS);
    expect(snapshot).toMatchObject({ value: 'timed_out', context: { endReason: 'session_timeout' } });
  });
});

test('a client that was active gets its job when the idle time is nearly over', async () => {
  const { record } = await fixture.live({ idleTimeoutMs: 3_600_000 });
  const { idle = 0 } = record.snapshot.context.deadlines;
  const dueMs = (await fixture.deps.maintenance.nowMs()) + SOON_MS;
  // The index knows when it will be due; the row, which deadline that is.
  await fixture.deps.redis.zadd(keys.due, dueMs, `${record.ref}|idle`);
  expect((await coming()).deadlines).toEqual([{ ref: record.ref, kind: 'idle', deadlineMs: idle, dueMs }]);
});

test('a job that comes early, long before it is due, is left to the sweep', async () => {
  const { record, nowMs } = await fixture.live({ idleTimeoutMs: 60_000 });
  const { idle = 0 } = record.snapshot.context.deadlines;
  const payload = { v: 1 as const, ref: record.ref, kind: 'idle' as const, deadlineMs: idle };
  expect(await fixture.deps.timeouts.handleJob(payload)).toEqual({ done: true });
  expect(Number(await fixture.deps.redis.zscore(keys.due, `${record.ref}|idle`))).toBe(nowMs + 60_000);
});

test('damaged rows and unknown kinds do not hold up the others', async () => {
  const [broken, known] = [await fixture.live(), await fixture.live()];
  await bringForward(broken.record.ref, 1_000);
  await fixture.deps.redis.hset(keys.row(broken.record.ref), 'dl', '{');
  const dueMs = (await fixture.deps.maintenance.nowMs()) + SOON_MS;
  await fixture.deps.redis.zadd(keys.due, dueMs, 'default/gone|session', dueMs, 'x', dueMs, 'default/a|nap');
  await bringForward(known.record.ref, SOON_MS);
  expect((await coming()).deadlines).toMatchObject([{ ref: known.record.ref }]);
});

test('many deadlines are read in pages, also those of one millisecond', async () => {
  const nowMs = await fixture.deps.maintenance.nowMs();
  const { redis } = fixture.deps;
  const entries = Array.from({ length: 1_100 }, (_, i) => [
    nowMs + 1_000 + (i < 600 ? 0 : i),
    `default/${i}|session`,
  ]);
  await redis.zadd(keys.due, ...entries.flat());
  const pipeline = redis.pipeline();
  for (let i = 0; i < 1_100; i += 1) pipeline.hset(`{hf}:s:default/${i}`, 'dl', '{"session":1}');
  await pipeline.exec();
  const found = new Set<string>();
  let pages = 0;
  for (let next: string | null = null; pages === 0 || next !== null; pages += 1) {
    const page = await coming(next);
    for (const { ref } of page.deadlines) found.add(ref);
    next = page.next;
  }
  expect(pages).toBeLessThan(6);
  // Of those that are due in the same millisecond a page has 500; the sweep of what is overdue ends the others.
  expect(found.size).toBe(1_000);
});

test('after the clock was set back, what is due soon gets its jobs again', async () => {
  const nowMs = await fixture.deps.maintenance.nowMs();
  await fixture.deps.arming.armedUntil(nowMs + 3_600_000);
  const { nowMs: seenMs, untilMs } = await coming();
  expect(untilMs - seenMs).toBe(ARMED_AHEAD_MS);
  await fixture.deps.arming.armedUntil(untilMs);
  const { record } = await fixture.live({ timeoutMs: 3_600_000 });
  await bringForward(record.ref, ARMED_AHEAD_MS - 1);
  await pollUntil('its turn', { timeoutMs: 2_000, everyMs: 5 }, async () =>
    (await coming()).deadlines.length === 1 ? true : undefined,
  );
});
