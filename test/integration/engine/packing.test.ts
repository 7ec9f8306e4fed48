import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { refOf, type SessionRef } from '../../../src/core/ids';
import { MACHINE_VERSION } from '../../../machines/session/session.versions';
import { KEY_PREFIX, keys } from '../../../src/redis/keys';
import { ScriptRunner } from '../../../src/redis/script-runner';
import { step } from '../../../machines/step';
import type { Commit } from '../../../src/store/session-record';
import { PACKED_AFTER_MS } from '../../../src/store/pack-store';
import { EngineFixture } from '../../support/engine-fixture';
import { pollUntil } from '../../support/poll-until';
import { readHistory } from '../../support/history';

/* What is kept of sessions that have ended, an hour later. */

let fixture: EngineFixture;
beforeEach(async () => (fixture = await EngineFixture.open()));
afterEach(() => fixture.close());

const never = (): boolean => false;

/** Packs what has ended, as if `laterMs` had passed. */
const pack = async (laterMs = PACKED_AFTER_MS): Promise<number> => {
  const { maintenance, packing } = fixture.deps;
  return packing.pack((await maintenance.nowMs()) + laterMs, PACKED_AFTER_MS, never);
};

const release = (ref: SessionRef): Promise<unknown> =>
  fixture.deps.stepper.apply({
    ...{ ref, cause: 'test', actor: 'test' },
    event: (_record, nowMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs }),
  });

/** A session that has lived and ended. */
async function ended(): Promise<SessionRef> {
  const { record } = await fixture.live({ idleTimeoutMs: 60_000 });
  await release(record.ref);
  return record.ref;
}

const isPacked = async (ref: SessionRef): Promise<boolean> => {
  const { redis } = fixture.deps;
  const [snap, packed] = await redis.hmget(keys.row(ref), 'snap', 'pack');
  expect(await redis.exists(keys.history(ref))).toBe(packed === null ? 1 : 0);
  expect(snap === null).toBe(packed !== null);
  return packed !== null;
};

/** Copies of an ended session, which all ended in one millisecond. */
async function copies(of: SessionRef, count: number, endedAtMs: number): Promise<SessionRef[]> {
  const refs = Array.from({ length: count }, (_, i) => refOf('default', `copy-${i}`));
  const pipeline = fixture.deps.redis.pipeline();
  for (const ref of refs) {
    pipeline.call('COPY', keys.row(of), keys.row(ref));
    pipeline.call('COPY', keys.history(of), keys.history(ref));
    pipeline.zadd(keys.ended, endedAtMs, ref);
  }
  await pipeline.exec();
  return refs;
}

test('a packed session is read as before, and so is every part of its history', async () => {
  const ref = await ended();
  const { sessions, eventLog, redis } = fixture.deps;
  const before = await sessions.load(ref);
  const history = await readHistory(fixture.deps, ref);
  expect(await pack()).toBe(1);
  expect(await isPacked(ref)).toBe(true);
  // No field of a scripts' check is left that an ended session does not come to.
  expect((await redis.hkeys(keys.row(ref))).sort()).toEqual(
    ['rev', 'mv', 'st', 'fp', 'ops', 'ix', 'dl', 'lk', 'pack'].sort(),
  );
  expect((await sessions.load(ref)).record).toEqual(before.record);
  expect((await sessions.read(ref)).record).toEqual(before.record);
  expect(await readHistory(fixture.deps, ref)).toEqual(history);
  expect(await eventLog.historySince(ref, 2, 1)).toEqual({
    ...{ anchor: history[1], entries: [history[2]], hasMore: true },
  });
  expect(await eventLog.historySince(ref, history.length, 5)).toEqual({
    ...{ anchor: history.at(-1), entries: [], hasMore: false },
  });
  expect(await eventLog.historySince(ref, history.length + 1, 5)).toBeNull();
  expect(await eventLog.hasHistory(ref)).toBe(true);
});

test('sessions that have not ended, or have only just, are not packed', async () => {
  const [live, gone] = [(await fixture.live()).record.ref, await ended()];
  expect(await pack(PACKED_AFTER_MS - 60_000)).toBe(0);
  expect(await isPacked(gone)).toBe(false);
  expect(await pack()).toBe(1);
  expect(await isPacked(live)).toBe(false);
});

test('what becomes known of a session after it was packed is shown', async () => {
  const { record } = await fixture.live();
  await release(record.ref);
  await pack();
  const claimId = record.snapshot.context.owner?.fence.claimId ?? '';
  const save = { saveId: null, atMs: 1, version: 2, isCurrent: true, problem: null };
  const traffic = { sentBytes: 1, receivedBytes: 2, refused: 0, refusedHosts: [] };
  const used = {
    traffic,
    endReason: 'released_by_client',
    endedAtMs: record.snapshot.context.createdAtMs,
  } as const;
  expect(await fixture.deps.closing.acknowledge(record.ref, claimId, { save, used })).not.toBeNull();
  expect((await fixture.deps.sessions.load(record.ref)).record).toMatchObject({ finalSave: save, traffic });
  expect(await isPacked(record.ref)).toBe(true);
});

test('a packed session takes no further event, and its id is still taken', async () => {
  const { record } = await fixture.live();
  const { ref } = record;
  const event = { type: 'DOWNLOADS_CUT', nowMs: record.snapshot.context.createdAtMs } as const;
  const late: Commit = {
    ...{
      before: record,
      event,
      after: step(record.snapshot, event),
      opId: 'late',
      cause: 'test',
      actor: 'test',
    },
    ...{ asOwner: record.snapshot.context.owner?.fence ?? null, asReaperOf: null },
  };
  await release(ref);
  await pack();
  expect(await release(ref)).toMatchObject({ kind: 'ended' });
  // By a writer that had read it before.
  expect(await fixture.deps.sessions.commit(late)).toMatchObject({ answer: 'TERMINAL', status: 'released' });
  await expect(fixture.accept({}, ref.split('/')[1])).rejects.toThrow('create answered EXISTS');
});

test('those that ended in one millisecond are packed, each once, whoever else does it', async () => {
  const { maintenance, packing } = fixture.deps;
  const first = await ended();
  const refs = [first, ...(await copies(first, 260, await maintenance.nowMs()))];
  const counts = await Promise.all([pack(), pack(), pack()]);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(261);
  for (const ref of refs) expect(await isPacked(ref)).toBe(true);
  expect(await fixture.deps.redis.exists(keys.ended)).toBe(0);
  expect(await packing.pack(await maintenance.nowMs(), 0, never)).toBe(0);
});

test('a process that was frozen does not pack what has come under the same id', async () => {
  const ref = await ended();
  const scripts = new ScriptRunner(fixture.deps.redis);
  const before = await fixture.deps.redis.hgetall(keys.row(ref));
  const keysOf = [keys.row(ref), keys.history(ref), keys.ended];
  const untilMs = (await fixture.deps.maintenance.nowMs()) + 1;
  const args = ['x', 'operation-of-another=4', MACHINE_VERSION, KEY_PREFIX, ref, untilMs];
  expect(await scripts.run('packSession', keysOf, args)).toBe(0);
  expect(await fixture.deps.redis.hgetall(keys.row(ref))).toEqual(before);
  expect(await isPacked(ref)).toBe(false);
});

test('a backlog is packed in turns, and one that was interrupted is finished', async () => {
  const { maintenance, packing } = fixture.deps;
  const nowMs = await maintenance.nowMs();
  await copies(await ended(), 120, nowMs);
  let asked = 0;
  expect(await packing.pack(nowMs + 1, 0, () => (asked += 1) > 1)).toBe(50);
  expect(await pack()).toBe(71);
});

test('rows of a newer version, damaged ones and long histories stay, and do not hold up the others', async () => {
  const { redis } = fixture.deps;
  const [newer, damaged, wrongType] = [await ended(), await ended(), await ended()];
  const [long, plain] = [await ended(), await ended()];
  await redis.hset(keys.row(newer), 'mv', '99');
  await redis.hset(keys.row(damaged), 'snap', '{\n');
  await redis.del(keys.history(wrongType));
  await redis.set(keys.history(wrongType), 'x');
  await redis.rpush(keys.history(long), ...Array.from({ length: 300 }, () => '{}'));
  await redis.hset(keys.row(long), 'rev', '304');
  await redis.zadd(keys.ended, 1, 'default/gone');
  expect(await pack()).toBe(4);
  expect(await isPacked(plain)).toBe(true);
  for (const ref of [newer, damaged, wrongType, long]) expect(await isPacked(ref)).toBe(false);
  expect((await redis.zrange(keys.ended, '0', '-1')).sort()).toEqual(['default/gone', newer].sort());
});

test('a session that an older version has stored is packed as it is', async () => {
  const ref = await ended();
  const { redis, sessions } = fixture.deps;
  const golden = join(__dirname, '../../fixtures/snapshots/3/released.json');
  await redis.hset(keys.row(ref), {
    mv: '3',
    snap: JSON.stringify(JSON.parse(readFileSync(golden, 'utf8'))),
  });
  const before = await sessions.load(ref);
  expect(await pack()).toBe(1);
  expect(await redis.hget(keys.row(ref), 'mv')).toBe(String(MACHINE_VERSION));
  expect((await sessions.load(ref)).record).toEqual(before.record);
});

test('one that cannot be unpacked is shown as far as it can be, and its history is an error', async () => {
  const ref = await ended();
  await pack();
  const { redis, sessions } = fixture.deps;
  await redis.hset(keys.row(ref), 'pack', Buffer.from([1, 2, 3]));
  expect((await sessions.read(ref)).record).toMatchObject({
    isPartial: true,
    snapshot: { value: 'released' },
  });
  await expect(readHistory(fixture.deps, ref)).rejects.toThrow('is damaged');
  await redis.hset(keys.row(ref), 'mv', '99');
  expect((await sessions.load(ref)).record).toMatchObject({
    isPartial: true,
    snapshot: { value: 'released' },
  });
  await expect(readHistory(fixture.deps, ref)).rejects.toThrow('machine version 99');
});

test('after the clock was set back, sessions are packed an hour after their end as before', async () => {
  const first = await ended();
  await pack(10 * PACKED_AFTER_MS);
  expect(await isPacked(first)).toBe(true);
  const second = await ended();
  expect(await pack(0)).toBe(0);
  expect(await pack()).toBe(1);
  expect(await isPacked(second)).toBe(true);
});

test('the retention forgets packed sessions with everything that was left of them', async () => {
  const ref = await ended();
  const { owner } = (await fixture.deps.sessions.load(ref)).record?.snapshot.context ?? {};
  await fixture.deps.closing.acknowledge(ref, owner?.fence.claimId ?? '');
  // An end long ago: the sweep itself packs it.
  await fixture.deps.redis.zadd(keys.ended, 1, ref);
  await fixture.withSweeper(() => packedBySweep(ref), 100 * 365 * 24 * 3_600_000);
  expect(await fixture.deps.maintenance.retire(1, never)).toBe(1);
  const left = await fixture.deps.redis.keys(`{hf}:?:${ref}`);
  expect([...left, ...(await fixture.deps.redis.keys('{hf}:ix:*'))]).toEqual([]);
});

const packedBySweep = (ref: SessionRef): Promise<unknown> =>
  pollUntil('it to be packed', { timeoutMs: 20_000, everyMs: 50 }, async () =>
    (await fixture.deps.redis.hexists(keys.row(ref), 'pack')) === 1 ? true : undefined,
  );
