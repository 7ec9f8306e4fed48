import pino from 'pino';
import { RedisContact } from '../../../src/engine/redis-contact';
import { Reaper } from '../../../workers/sweeps/reaper';
import { Sweeper } from '../../../workers/sweeps/sweeper';
import type { Deps } from '../../../src/deps';
import { keys } from '../../../src/redis/keys';
import { EngineFixture } from '../../support/engine-fixture';
import { pollUntil } from '../../support/poll-until';

describe('the sweeps', () => {
  let fixture: EngineFixture;
  let deps: Deps;

  beforeEach(async () => {
    fixture = await EngineFixture.open();
    ({ deps } = fixture);
  });
  afterEach(() => fixture.close());

  it('enqueue what a crash left between commit and queue', async () => {
    const ref = await fixture.accept();
    // As if the process had died right after the commit: the effects are stored, the jobs are not added.
    const effects = [{ kind: 'launch.enqueue', attempt: 1 }];
    const member = JSON.stringify({ ref, revision: 1, effect: effects[0] });
    await deps.redis.del(`{hf}:launch:${ref}.launch.1`, '{hf}:launch:wait');
    await deps.redis.zadd(keys.effects, 1, member);
    expect(await deps.producer.hasLaunchJob(ref, 1, Date.now())).toBe(false);
    await fixture.withSweeper(async () => {
      await pollUntil('the launch job', { timeoutMs: 10_000, everyMs: 20 }, async () =>
        (await deps.producer.hasLaunchJob(ref, 1, Date.now())) ? true : undefined,
      );
    });
    expect(await deps.redis.zcard(keys.effects)).toBe(0);
  });

  it('add the launch job of a waiting session again when the queue has lost it', async () => {
    const ref = await fixture.accept();
    await deps.redis.del(`{hf}:launch:${ref}.launch.1`, '{hf}:launch:wait');
    await fixture.withSweeper(async () => {
      await pollUntil('the launch job', { timeoutMs: 15_000, everyMs: 50 }, async () =>
        (await deps.producer.hasLaunchJob(ref, 1, Date.now())) ? true : undefined,
      );
    });
  });

  it('log a failing sweep once for each series of failures', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: line => void lines.push(line) });
    let turns = 0;
    const maintenance = Object.assign(Object.create(deps.maintenance) as typeof deps.maintenance, {
      takeTurn: async (sweep: string): Promise<null> => {
        if (sweep !== 'overdue') return null;
        turns += 1;
        return turns === 3 ? Promise.resolve(null) : Promise.reject(new Error('WRONGTYPE'));
      },
    });
    const sweeper = new Sweeper({ ...deps, maintenance, reaper: new Reaper(deps), retentionMs: 60_000, log });
    sweeper.start();
    try {
      await pollUntil('five turns', { timeoutMs: 15_000, everyMs: 20 }, () => turns >= 5 || undefined);
    } finally {
      await sweeper.stop();
    }
    expect(lines.filter(line => line.includes('"sweep":"overdue"'))).toHaveLength(2);
  });

  it('delete ended sessions after the retention, with every index entry', async () => {
    const { record } = await fixture.live();
    await deps.stepper.apply({
      ref: record.ref,
      cause: 'test',
      actor: 'test',
      event: (_record, nowMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs }),
    });
    const { owner } = record.snapshot.context;
    await deps.closing.acknowledge(record.ref, owner?.fence.claimId ?? '');
    await fixture.withSweeper(async () => {
      await pollUntil('the row to go', { timeoutMs: 20_000, everyMs: 50 }, async () =>
        (await deps.redis.exists(keys.row(record.ref))) === 0 ? true : undefined,
      );
    }, 1_000);
    const left = (await deps.redis.keys('{hf}:*')).filter(
      key =>
        !/:(secret|notices|counts|armed|ended:until|ctl:.*|lock:.*|usage:.*)$|^\{hf\}:(launch|timers|sessions):/.test(
          key,
        ),
    );
    expect(left).toEqual([]);
    expect(await deps.index.counts()).toMatchObject({ created: 0, live: 0, released: 0 });
  });

  it('fail the sessions of a worker whose lease has lapsed, and keep those of the living', async () => {
    const [dead, living] = [await fixture.live(), await fixture.accept()];
    await fixture.claim(living, 'w-2');
    const nowMs = await deps.maintenance.nowMs();
    await deps.redis.zadd(keys.leases, nowMs - 1, 'w-1', nowMs + 60_000, 'w-2');
    const reaper = reaperAfter(4_000);
    for (let i = 0; i < 3; i += 1) expect(await reaper.look(true)).toBe(0);
    expect(await reaper.look(true)).toBe(1);
    const { record } = await deps.sessions.load(dead.record.ref);
    expect(record?.snapshot).toMatchObject({ value: 'failed', context: { endReason: 'worker_lost' } });
    expect((await deps.sessions.load(living)).record?.snapshot.value).toEqual({ created: 'launching' });
  });

  it('fail no session while the reaper’s own contact with Redis is younger than a lease', async () => {
    await fixture.live();
    await deps.redis.zadd(keys.leases, 1, 'w-1');
    const reaper = reaperAfter(1_000);
    for (let i = 0; i < 5; i += 1) expect(await reaper.look(true)).toBe(0);
    reaper.contactLost();
    for (let i = 0; i < 5; i += 1) expect(await reaper.look(true)).toBe(0);
  });

  it('fail no session while this Redis has been up for less than a lease, even with unbroken contact', async () => {
    await fixture.live();
    await deps.redis.zadd(keys.leases, 1, 'w-1');
    let run = 0;
    const reaper = reaperAfter(4_000, () => String(Math.floor((run += 1) / 3)));
    for (let i = 0; i < 10; i += 1) expect(await reaper.look(true)).toBe(0);
  });

  /*
   * A reaper for which each reading of its clocks and of Redis' is `stepMs` later, so that no test waits for a lease.
   */
  function reaperAfter(stepMs: number, serverRunId: () => string = () => 'run'): Reaper {
    const startMs = deps.clock.monotonicMs();
    let looks = 0;
    const monotonicMs = (): number => startMs + (looks += 1) * stepMs;
    const skewed = Object.create(deps.maintenance, {
      nowMs: { value: async () => (await deps.maintenance.nowMs()) + looks * stepMs },
      serverRunId: { value: () => Promise.resolve(serverRunId()) },
    }) as typeof deps.maintenance;
    const clock = { ...deps.clock, monotonicMs };
    const contact = new RedisContact({ maintenance: skewed, clock });
    return new Reaper({ ...deps, maintenance: skewed, contact });
  }
});
