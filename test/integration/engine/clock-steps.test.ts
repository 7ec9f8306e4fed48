import type { SessionRef } from '../../../src/core/ids';
import type { Deps } from '../../../src/deps';
import { RedisContact } from '../../../src/engine/redis-contact';
import { Reaper } from '../../../workers/sweeps/reaper';
import { Sweeper } from '../../../workers/sweeps/sweeper';
import { SWEEPS, type SweepName } from '../../../src/metrics/label-values';
import { keys } from '../../../src/redis/keys';
import { EngineFixture } from '../../support/engine-fixture';
import { readHistory } from '../../support/history';
import { HAS_COMPILER, makeSettableClock, type SettableClock } from '../../support/settable-clock';
import { makeTempDir, type TempDir } from '../../support/temp-dir';
import { pollUntil } from '../../support/poll-until';

/*
 * The clock of Redis is set while everything runs. Times that were written before are then in the future or long past.
 */

const MINUTE_MS = 60_000;

let fixture: EngineFixture;
let deps: Deps;

const release = async (ref: SessionRef): Promise<void> => {
  const outcome = await deps.stepper.apply({
    ref,
    cause: 'test',
    actor: 'test',
    event: (_record, nowMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs }),
  });
  expect(outcome.kind).toBe('committed');
};

const timesOf = async (ref: SessionRef): Promise<number[]> =>
  (await readHistory(deps, ref)).map(({ at }) => at);

/* Runs the sweeps and answers after which time each of them had its turn. */
async function untilAllTurned(timeoutMs: number): Promise<void> {
  const turned = new Set<string>();
  const maintenance = Object.assign(Object.create(deps.maintenance) as typeof deps.maintenance, {
    takeTurn: async (sweep: SweepName, ttlMs: number): Promise<number | null> => {
      const turnAtMs = await deps.maintenance.takeTurn(sweep, ttlMs);
      if (turnAtMs !== null) turned.add(sweep);
      return turnAtMs;
    },
  });
  const sweeper = new Sweeper({ ...deps, maintenance, reaper: new Reaper(deps), retentionMs: MINUTE_MS });
  sweeper.start();
  try {
    await pollUntil('a turn of every sweep', { timeoutMs, everyMs: 20 }, () =>
      turned.size === SWEEPS.length ? true : undefined,
    );
  } finally {
    await sweeper.stop();
  }
}

describe('what was written before the clock was set back a minute', () => {
  beforeEach(async () => {
    fixture = await EngineFixture.open();
    ({ deps } = fixture);
  });
  afterEach(() => fixture.close());

  it('does not make the times of a history fall', async () => {
    const { record } = await fixture.live();
    const before = await timesOf(record.ref);
    const aheadMs = (before.at(-1) ?? 0) + MINUTE_MS;
    const last = JSON.parse((await deps.redis.lindex(keys.history(record.ref), -1)) ?? '') as object;
    await deps.redis.lset(keys.history(record.ref), -1, JSON.stringify({ ...last, at: aheadMs }));
    await release(record.ref);
    expect((await timesOf(record.ref)).slice(-2)).toEqual([aheadMs, aheadMs]);
  });

  it('does not keep a sweep from its turn', async () => {
    for (const sweep of SWEEPS) await deps.redis.set(keys.sweepLock(sweep), '1', 'PX', MINUTE_MS);
    await untilAllTurned(10_000);
  });

  it('does not end the turn of another process', async () => {
    expect(await deps.maintenance.takeTurn('overdue', 5_000)).not.toBeNull();
    expect(await deps.maintenance.takeTurn('overdue', 5_000)).toBeNull();
  });

  it('does not wait longer than usual: effects, launch jobs, leases', async () => {
    const ref = await fixture.accept();
    const aheadMs = (await deps.maintenance.nowMs()) + MINUTE_MS;
    const effect = { kind: 'launch.enqueue', attempt: 1 };
    const member = JSON.stringify({ ref, revision: 1, effect });
    await deps.redis
      .multi()
      .zadd(keys.effects, aheadMs, member)
      .zadd(keys.queued, aheadMs, ref)
      .zadd(keys.ended, aheadMs, 'default/gone')
      .zadd(keys.leases, aheadMs, 'w-1')
      .zadd(keys.processes, aheadMs, 'p-1')
      .exec();
    expect(await deps.maintenance.pullBackScores()).toBe(5);
    const nowMs = await deps.maintenance.nowMs();
    for (const key of [keys.effects, keys.queued, keys.ended]) {
      const [, score = ''] = await deps.redis.zrange(key, '0', '0', 'WITHSCORES');
      expect(Number(score)).toBeLessThanOrEqual(nowMs);
    }
    expect(await deps.leases.lapsed(nowMs + 10_000)).toEqual(['w-1']);
    expect(await deps.leases.held(nowMs - 1)).toEqual(['w-1']);
    expect(await deps.maintenance.pullBackScores()).toBe(0);
  });

  it('is settled as soon as usual: the browser that a dead worker has to close', async () => {
    const { record } = await fixture.live();
    await release(record.ref);
    const { claimId } = record.snapshot.context.owner?.fence ?? { claimId: '' };
    const aheadMs = (await deps.maintenance.nowMs()) + MINUTE_MS;
    await deps.redis.hset(keys.closing, record.ref, `${claimId}|w-1|${aheadMs}`);
    // Each reading of both clocks is some seconds later, so that no test waits for a lease.
    let passedMs = 0;
    const startMs = deps.clock.monotonicMs();
    const maintenance = Object.assign(Object.create(deps.maintenance) as typeof deps.maintenance, {
      nowMs: async () => (await deps.maintenance.nowMs()) + passedMs,
    });
    const clock = { ...deps.clock, monotonicMs: () => startMs + passedMs };
    const reaper = new Reaper({ ...deps, maintenance, contact: new RedisContact({ maintenance, clock }) });
    // Ten seconds until the reaper may act, fifteen for the keeper.
    for (; passedMs <= 24_000; passedMs += 4_000) await reaper.look(true);
    expect(await deps.closing.isOpen(record.ref)).toBe(true);
    for (; passedMs <= 32_000; passedMs += 4_000) await reaper.look(true);
    expect(await deps.closing.isOpen(record.ref)).toBe(false);
  });

  it('is left unchanged when the clock is right: a lease that was renewed just now', async () => {
    await deps.leases.renew('w-1', { hostname: 'h', slots: 1, used: 0, draining: false });
    const [, before] = await deps.redis.zrange(keys.leases, '0', '0', 'WITHSCORES');
    expect(await deps.maintenance.pullBackScores()).toBe(0);
    expect((await deps.redis.zrange(keys.leases, '0', '0', 'WITHSCORES'))[1]).toBe(before);
  });
});

/* Without a C compiler these tests are reported as skipped. The tests above write the same times by hand. */
(HAS_COMPILER ? describe : describe.skip)('when the clock of Redis is set', () => {
  let dir: TempDir;
  let clock: SettableClock;

  beforeEach(async () => {
    dir = await makeTempDir();
    clock = await makeSettableClock(dir.path);
    fixture = await EngineFixture.open({ env: clock.env });
    ({ deps } = fixture);
  });
  afterEach(async () => {
    await fixture.close();
    await clock.close();
    await dir.remove();
  });

  const live = async (timeoutMs: number): Promise<SessionRef> =>
    (await fixture.live({ timeoutMs })).record.ref;

  it('a minute back: histories do not fall, every sweep goes on', async () => {
    const ref = await live(MINUTE_MS);
    for (const sweep of SWEEPS) await deps.maintenance.takeTurn(sweep, 5_000);
    const beforeMs = await deps.maintenance.nowMs();
    await clock.set(-60);
    expect(await deps.maintenance.nowMs()).toBeLessThan(beforeMs - 50_000);
    await release(ref);
    const times = await timesOf(ref);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    await untilAllTurned(10_000);
  });

  it('a minute back: a lease that is not renewed lapses after its ten seconds, not after seventy', async () => {
    await deps.leases.renew('w-1', { hostname: 'h', slots: 1, used: 0, draining: false });
    await clock.set(-60);
    await deps.maintenance.pullBackScores();
    const nowMs = await deps.maintenance.nowMs();
    expect(await deps.leases.lapsed(nowMs + 10_000)).toEqual(['w-1']);
  });

  it('a minute forward: no living worker is taken for dead', async () => {
    const ref = await live(10 * MINUTE_MS);
    const renew = (): Promise<boolean> =>
      deps.leases.renew('w-1', { hostname: 'h', slots: 1, used: 0, draining: false });
    let monotonicMs = deps.clock.monotonicMs();
    const moved = { ...deps.clock, monotonicMs: () => monotonicMs };
    const reaper = new Reaper({ ...deps, contact: new RedisContact({ ...deps, clock: moved }) });
    await renew();
    // The clock of Redis runs normally. The clock of this process is moved with it, so that no test waits for a lease.
    for (let seconds = 0; seconds <= 12; seconds += 2) {
      await clock.set(seconds);
      monotonicMs += 2_000;
      await renew();
      expect(await reaper.look(true)).toBe(0);
    }
    await clock.set(12 + 60);
    expect(await deps.leases.lapsed(await deps.maintenance.nowMs())).toEqual(['w-1']);
    monotonicMs += 1_000;
    expect(await reaper.look(true)).toBe(0);
    await renew();
    expect((await deps.sessions.load(ref)).record?.snapshot.value).toBe('live');
  });

  it('a minute forward: a session that is created then has its deadlines by the new time, and ends by it', async () => {
    await clock.set(60);
    const { record, nowMs } = await fixture.live({ timeoutMs: 1_000 });
    const deadlineMs = record.snapshot.context.deadlines.session ?? 0;
    expect(deadlineMs).toBe(nowMs + 1_000);
    expect(await deps.timeouts.fire(record.ref, 'session', deadlineMs, 'sweep')).toMatchObject({
      againInMs: expect.any(Number),
    });
    await clock.set(62);
    expect(await deps.timeouts.fire(record.ref, 'session', deadlineMs, 'sweep')).toEqual({ kind: 'fired' });
  });
});
