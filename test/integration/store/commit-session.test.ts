import { NO_ACTIVITY } from '../../../machines/session/session.deadlines';
import { effectsBetween } from '../../../machines/session/session.effects';
import type { SessionInput } from '../../../machines/session/session.types';
import type { SessionRef } from '../../../src/core/ids';
import { keys } from '../../../src/redis/keys';
import { ClosingStore } from '../../../src/store/closing-store';
import type { PendingEffect } from '../../../src/store/session-commit';
import { USAGE_KEPT_MS, UsageStore } from '../../../src/store/usage-store';
import { ENDPOINT, LIMITS } from '../../support/session-samples';
import { StoreFixture } from '../../support/store-fixture';
import { pollUntil } from '../../support/poll-until';

const PERSISTS = { contextId: 'ctx_1', persist: true, onConflict: 'keep', saveEveryMs: null } as const;
const NOTHING_SENT = { sentBytes: 0, receivedBytes: 0, refused: 0 };
const FENCE = { n: 1, claimId: 'claim-1' };

describe('the commit script', () => {
  let fixture: StoreFixture;
  let now: number;

  beforeAll(async () => {
    fixture = await StoreFixture.open();
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    await fixture.redis.flushall();
    now = await fixture.maintenance.nowMs();
  });

  const claim = (ref: SessionRef, opId = 'claim') =>
    fixture.commit(ref, opId, { type: 'CLAIM', nowMs: now, workerId: 'w-1', claimId: FENCE.claimId });

  const goLive = async (ref: SessionRef, nowMs = now): Promise<void> => {
    await claim(ref);
    const answer = await fixture.commit(
      ref,
      'ready',
      { type: 'BROWSER_READY', nowMs, endpoint: ENDPOINT },
      { asOwner: FENCE },
    );
    expect(answer.answer).toBe('OK');
  };

  const release = { type: 'RELEASE', reason: 'released_by_client', nowMs: 1 } as const;
  const crash = { type: 'BROWSER_GONE', cause: 'browser_crashed', message: '', nowMs: 1 } as const;

  it('answers OK and writes row, indexes, deadlines, history, effects and one notice', async () => {
    const ref = await fixture.create('a');
    const before = await fixture.read(ref);
    expect(await claim(ref)).toEqual({ answer: 'OK', revision: 2 });
    const after = await fixture.read(ref);

    expect(after).toMatchObject({ revision: 2, snapshot: { value: { created: 'launching' } } });
    expect(after.snapshot.context.owner).toEqual({ workerId: 'w-1', fence: FENCE });
    const { deadlines } = after.snapshot.context;
    expect(await fixture.redis.zrange(keys.due, '0', '-1', 'WITHSCORES')).toEqual([
      `${ref}|launch`,
      String(deadlines.launch),
      `${ref}|disconnect`,
      String(deadlines.disconnect),
    ]);
    expect(await fixture.redis.zcard(keys.queued)).toBe(0);
    expect(await fixture.redis.smembers(keys.owned('w-1'))).toEqual([ref]);
    const history = (await fixture.redis.lrange(keys.history(ref), 0, -1)).map(
      line => JSON.parse(line) as object,
    );
    expect(history).toMatchObject([
      { seq: 1, event: 'created', from: null, to: 'created' },
      { seq: 2, event: 'claim', from: 'created', to: 'created', cause: 'test', actor: 'test' },
    ]);
    expect(await fixture.redis.xlen(keys.notices)).toBe(2);
    const pending = (await fixture.redis.zrange(keys.effects, '0', '-1')).map(
      member => JSON.parse(member) as PendingEffect,
    );
    expect(pending.filter(({ revision }) => revision === 2).map(({ effect }) => effect)).toEqual(
      expect.arrayContaining(effectsBetween(before.snapshot, after.snapshot)),
    );
  });

  it('answers REPLAY for an operation that was applied, even after other operations', async () => {
    const ref = await fixture.create('a');
    const first = await fixture.prepare(ref, 'claim', {
      type: 'CLAIM',
      nowMs: now,
      workerId: 'w-1',
      claimId: 'claim-1',
    });
    await fixture.store.commit(first);
    await fixture.commit(ref, 'ready', { type: 'BROWSER_READY', nowMs: now, endpoint: ENDPOINT });
    expect(await fixture.store.commit(first)).toEqual({ answer: 'REPLAY', revision: 2 });
    expect((await fixture.read(ref)).revision).toBe(3);
  });

  it('answers TERMINAL once a session has ended, and changes nothing (I3)', async () => {
    const ref = await fixture.create('a');
    const late = await fixture.prepare(ref, 'late', {
      type: 'CLAIM',
      nowMs: now,
      workerId: 'w',
      claimId: 'c',
    });
    await fixture.commit(ref, 'release', release);
    expect(await fixture.store.commit(late)).toEqual({ answer: 'TERMINAL', revision: 2, status: 'released' });
    expect((await fixture.read(ref)).snapshot.value).toBe('released');
  });

  it('answers CONFLICT when another writer was faster', async () => {
    const ref = await fixture.create('a');
    const slow = await fixture.prepare(ref, 'slow', release);
    await claim(ref);
    expect(await fixture.store.commit(slow)).toEqual({ answer: 'CONFLICT', revision: 2 });
  });

  it('answers FENCED when number or claim differ (I6)', async () => {
    const ref = await fixture.create('a');
    await claim(ref);
    const event = { type: 'BROWSER_READY', nowMs: now, endpoint: ENDPOINT } as const;
    for (const asOwner of [
      { n: 2, claimId: 'claim-1' },
      { n: 1, claimId: 'claim-0' },
    ]) {
      expect(await fixture.commit(ref, 'ready', event, { asOwner })).toEqual({
        answer: 'FENCED',
        revision: 2,
      });
    }
  });

  it('answers UPGRADE_REQUIRED rather than write over a newer machine version', async () => {
    const ref = await fixture.create('a');
    const commit = await fixture.prepare(ref, 'release', release);
    await fixture.redis.hset(keys.row(ref), 'mv', 99);
    expect(await fixture.store.commit(commit)).toEqual({ answer: 'UPGRADE_REQUIRED', revision: 1 });
  });

  it('answers MISSING for a session that is not there', async () => {
    const ref = await fixture.create('a');
    const commit = await fixture.prepare(ref, 'release', release);
    await fixture.redis.flushall();
    expect(await fixture.store.commit(commit)).toEqual({ answer: 'MISSING' });
  });

  describe('asked to end a session by time-out', () => {
    /* The machine gets a time at which the deadline has passed; the script asks Redis itself. */
    const timeout = async (
      ref: SessionRef,
      kind: 'session' | 'idle' | 'connect' | 'disconnect',
    ): Promise<ReturnType<typeof fixture.commit>> => {
      const deadlineMs = (await fixture.read(ref)).snapshot.context.deadlines[kind] ?? 0;
      const event = { type: 'TIMEOUT', kind, deadlineMs, nowMs: deadlineMs, activity: NO_ACTIVITY } as const;
      return fixture.commit(ref, `to-${kind}`, event);
    };

    it('answers EARLY until the deadline has passed by Redis TIME, whatever the caller’s clock says (I8)', async () => {
      const ref = await fixture.create('a');
      await goLive(ref);
      const { deadlines } = (await fixture.read(ref)).snapshot.context;
      expect(await timeout(ref, 'session')).toMatchObject({
        answer: 'EARLY',
        askAgainAtMs: deadlines.session,
      });
    });

    it('ends a session whose deadline has passed', async () => {
      const ref = await fixture.create('a');
      await goLive(ref, now - 400_000);
      expect((await timeout(ref, 'session')).answer).toBe('OK');
    });

    it.each([
      ['idle', keys.activity],
      ['connect', keys.attached],
      ['disconnect', keys.present],
    ] as const)(
      'answers CONFLICT to one of %s when a client has been active since it was decided',
      async (kind, key) => {
        const ref = await fixture.create('a', {
          nowMs: now - 100_000,
          limits: { ...LIMITS, queueTimeoutMs: 200_000 },
        });
        await goLive(ref, now - 100_000); // idle since 100 s, limit 60 s; no client has connected in 45 s, none was present for 50 s
        await fixture.redis.hset(key, ref, now - 10_000);
        expect(await timeout(ref, kind)).toMatchObject({ answer: 'CONFLICT' });
        await fixture.redis.hdel(key, ref);
        expect((await timeout(ref, kind)).answer).toBe('OK');
      },
    );
  });

  it('answers LATE to a claim when the queue time is up by Redis TIME, whatever the claimer’s clock says', async () => {
    const queueTimeoutMs = 60_000;
    const ref = await fixture.create('a', {
      nowMs: now - queueTimeoutMs,
      limits: { ...LIMITS, queueTimeoutMs },
    });
    const early = { type: 'CLAIM', nowMs: now - 1, workerId: 'w-1', claimId: FENCE.claimId } as const;
    expect(await fixture.commit(ref, 'claim', early)).toEqual({ answer: 'LATE', revision: 1 });
    expect((await fixture.read(ref)).snapshot.value).toEqual({ created: 'queued' });
  });

  it('answers EARLY to a reaper while the worker’s lease holds', async () => {
    const ref = await fixture.create('a');
    await claim(ref);
    const lost = { type: 'WORKER_LOST', nowMs: now, fence: FENCE } as const;
    await fixture.redis.zadd(keys.leases, now + 60_000, 'w-1');
    expect((await fixture.commit(ref, 'lost', lost, { asReaperOf: 'w-1' })).answer).toBe('EARLY');
    await fixture.redis.zadd(keys.leases, now - 1, 'w-1');
    expect((await fixture.commit(ref, 'lost', lost, { asReaperOf: 'w-1' })).answer).toBe('OK');
  });

  it.each<[string, SessionInput['contextUse'], typeof release | typeof crash]>([
    ['without a context', null, release],
    ['that only reads its context', { ...PERSISTS, persist: false }, release],
    ['that fails', PERSISTS, crash],
  ])('owes no save for a session %s', async (_name, contextUse, end) => {
    const ref = await fixture.create('a', { contextUse });
    await goLive(ref);
    await fixture.commit(ref, 'end', end);
    expect(await fixture.redis.hget(keys.closing, ref)).toMatch(/^claim-1\|w-1\|\d+$/);
  });

  it('leaves an obligation and a close order behind when an owned session ends', async () => {
    const ref = await fixture.create('a');
    await goLive(ref);
    await fixture.redis.hset(keys.activity, ref, now);
    await fixture.commit(ref, 'release', release);
    expect(await fixture.redis.hget(keys.closing, ref)).toMatch(/^claim-1\|w-1\|\d+\|saves$/);
    const orders = await fixture.redis.xrange(keys.control('w-1'), '-', '+');
    expect(JSON.parse(orders[0]?.[1][1] ?? '')).toEqual({
      ...{ order: 'close', ref, claimId: 'claim-1' },
      saves: true,
    });
    expect(await fixture.redis.exists(keys.owned('w-1'), keys.due, keys.activity)).toBe(0);
    expect(await fixture.redis.zrange(keys.ended, '0', '-1')).toEqual([ref]);
    expect(await fixture.redis.hgetall(keys.counts)).toEqual({ created: '0', live: '0', released: '1' });
  });

  it('moves a session between the label indexes, and stores for retention in which ones it is', async () => {
    const ref = await fixture.create('a', { labels: { team: 'search', env: 'prod' } });
    const change = { labels: { team: 'ads', env: null, 'a/b': 'x,"y' } };
    expect((await fixture.commit(ref, 'update', { type: 'UPDATE', nowMs: now, change })).answer).toBe('OK');
    const sets = async (): Promise<string[]> => (await fixture.redis.keys('{hf}:ix:default:l:*')).sort();
    const prefix = '{hf}:ix:default:l:';
    expect(await sets()).toEqual(['a/b', 'a/b=x,"y', 'team', 'team=ads'].map(label => prefix + label));

    await fixture.commit(ref, 'release', release);
    expect(await sets()).toHaveLength(4);
    const retired = pollUntil('retention', { timeoutMs: 5_000, everyMs: 5 }, async () =>
      (await fixture.maintenance.retire(0, () => false)) === 1 ? true : undefined,
    );
    await retired;
    expect(await sets()).toEqual([]);
  });

  it('leaves the label indexes alone when labels do not change', async () => {
    const ref = await fixture.create('a');
    await fixture.redis.del(keys.indexLabel('default', 'team=search'));
    await fixture.commit(ref, 'update', { type: 'UPDATE', nowMs: now, change: { name: 'other' } });
    expect(await fixture.redis.exists(keys.indexLabel('default', 'team=search'))).toBe(0);
  });

  it('arms the due entries of changed time-outs anew, and no others', async () => {
    const ref = await fixture.create('a', { limits: { ...LIMITS, disconnectTimeoutMs: null } });
    await goLive(ref);
    const change = { timeoutMs: 700_000, idleTimeoutMs: null };
    await fixture.commit(ref, 'update', { type: 'UPDATE', nowMs: now, change });
    expect(await fixture.redis.zrange(keys.due, '0', '-1', 'WITHSCORES')).toEqual([
      `${ref}|connect`,
      String(now + (LIMITS.connectTimeoutMs ?? 0)),
      `${ref}|session`,
      String(now + 700_000),
    ]);
  });

  it('counts the usage of a session once, on the day it ended, even when the end is repeated', async () => {
    const day = '2026-03-01';
    const endMs = Date.parse(`${day}T00:00:30Z`);
    const usage = new UsageStore(fixture.redis);
    for (const [id, liveMs] of [
      ['a', 90_500],
      ['b', 60_000],
    ] as const) {
      const ref = await fixture.create(id);
      await goLive(ref, endMs - liveMs);
      const end = await fixture.prepare(ref, 'release', { ...release, nowMs: endMs });
      await Promise.all([fixture.store.commit(end), fixture.store.commit(end)]);
      await fixture.store.commit({ ...end, opId: 'late' });
    }
    const waiting = await fixture.create('c');
    await fixture.commit(waiting, 'release', { ...release, reason: 'drained', nowMs: endMs });
    expect(await usage.days('default', [day, '2026-02-28'])).toEqual([
      {
        day,
        byEndReason: {
          drained: { sessions: 1, liveMs: 0, startedMinutes: 0, ...NOTHING_SENT },
          released_by_client: { sessions: 2, liveMs: 150_500, startedMinutes: 3, ...NOTHING_SENT },
        },
      },
      { day: '2026-02-28', byEndReason: {} },
    ]);
    const ttlMs = await fixture.redis.pttl(keys.usage('default', day));
    expect(ttlMs).toBeGreaterThan(USAGE_KEPT_MS - 60_000);
  });

  it('counts the traffic of a session with its end, once, however often its browser is reported gone', async () => {
    const day = '2026-03-02';
    const endedAtMs = Date.parse(`${day}T23:59:59Z`);
    const closing = new ClosingStore(fixture.redis, fixture.scripts);
    const traffic = { sentBytes: 10, receivedBytes: 2e15, refused: 2, refusedHosts: ['a.test', 'b.test'] };
    const ref = await fixture.create('a');
    await goLive(ref, endedAtMs - 60_000);
    await fixture.commit(ref, 'release', { ...release, nowMs: endedAtMs });
    const used = { traffic, endReason: 'released_by_client', endedAtMs } as const;
    expect((await fixture.read(ref)).traffic).toBeNull();
    expect(await closing.acknowledge(ref, 'another-claim', { used })).toBeNull();
    const answers = await Promise.all([1, 2, 3].map(() => closing.acknowledge(ref, FENCE.claimId, { used })));
    expect(answers.filter(answer => answer !== null)).toHaveLength(1);
    expect(await fixture.read(ref)).toMatchObject({ traffic, finalSave: null });
    expect(await new UsageStore(fixture.redis).days('default', [day])).toEqual([
      {
        day,
        byEndReason: {
          released_by_client: {
            ...{ sessions: 1, liveMs: 60_000, startedMinutes: 1 },
            ...{ sentBytes: 10, receivedBytes: 2e15, refused: 2 },
          },
        },
      },
    ]);
  });

  it('lets exactly one of two racing writers win', async () => {
    const ref = await fixture.create('a');
    const commits = await Promise.all(
      ['one', 'two'].map(opId =>
        fixture.prepare(ref, opId, { type: 'CLAIM', nowMs: now, workerId: opId, claimId: opId }),
      ),
    );
    const answers = await Promise.all(commits.map(commit => fixture.store.commit(commit)));
    expect(answers.map(({ answer }) => answer).sort()).toEqual(['CONFLICT', 'OK']);
  });

  it('works on after SCRIPT FLUSH', async () => {
    const ref = await fixture.create('a');
    await fixture.redis.script('FLUSH');
    expect((await claim(ref)).answer).toBe('OK');
  });

  it('keeps revisions and history gap-free over a whole life', async () => {
    const ref = await fixture.create('a');
    await goLive(ref);
    await fixture.commit(ref, 'adopt', { type: 'ADOPT', nowMs: now, workerId: 'w-2', claimId: 'claim-2' });
    await fixture.commit(ref, 'release', release);
    const history = (await fixture.redis.lrange(keys.history(ref), 0, -1)).map(
      line => JSON.parse(line) as { seq: number },
    );
    expect(history.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect((await fixture.read(ref)).revision).toBe(5);
  });

  it('answers FENCED to an owner whose claim a rollback of Redis has undone', async () => {
    const ref = await fixture.create('a');
    await claim(ref);
    const dump = await fixture.redis.dumpBuffer(keys.row(ref));
    const adopt = (claimId: string) =>
      fixture.commit(ref, `adopt-${claimId}`, { type: 'BROWSER_READY', nowMs: now, endpoint: ENDPOINT });
    expect((await adopt('x')).answer).toBe('OK');
    // Rolled back to before the commit; another worker claims the same number.
    await fixture.redis.restore(keys.row(ref), 0, dump, 'REPLACE');
    await fixture.redis.hset(keys.row(ref), 'fc', 'claim-of-another');
    const answer = await fixture.commit(
      ref,
      'gone',
      { type: 'LAUNCH_FAILED', nowMs: now, message: 'late' },
      { asOwner: FENCE },
    );
    expect(answer.answer).toBe('FENCED');
  });
});
