import { refOf, type SessionRef } from '../../../src/core/ids';
import type { Deps } from '../../../src/deps';
import { RedisContact } from '../../../src/engine/redis-contact';
import { Reaper } from '../../../workers/sweeps/reaper';
import { KEY_PREFIX, keys } from '../../../src/redis/keys';
import { EngineFixture } from '../../support/engine-fixture';
import { pollUntil } from '../../support/poll-until';

/** More than any sweep reads at a time. */
const MANY = 1_000;

/* Entries at the head of a set that a sweep reads must never keep it from the entries behind them. */
describe('a sweep gets past', () => {
  let fixture: EngineFixture;
  let deps: Deps;

  beforeAll(async () => {
    fixture = await EngineFixture.open();
    ({ deps } = fixture);
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    await deps.redis.flushall();
  });

  const until = (what: string, done: () => Promise<boolean>): Promise<true> =>
    pollUntil(what, { timeoutMs: 8_000, everyMs: 20 }, async () => ((await done()) ? true : undefined));

  /* The same session many times, under refs that sort before every other. */
  const copies = async (of: SessionRef): Promise<SessionRef[]> => {
    const refs = Array.from({ length: MANY }, (_, i) => refOf('default', `!${i}`.replace('!', '0-')));
    const pipeline = deps.redis.pipeline();
    for (const ref of refs) pipeline.call('COPY', keys.row(of), keys.row(ref));
    await pipeline.exec();
    return refs;
  };

  /* A session whose time is up and whose timer is gone: only a sweep can end it. */
  const overdue = async (): Promise<SessionRef> => {
    const { record } = await fixture.live({ timeoutMs: 1 });
    const timers = await deps.redis.keys(`${KEY_PREFIX}:timers:*`);
    if (timers.length > 0) await deps.redis.del(timers);
    return record.ref;
  };

  it('1 000 connect deadlines of sessions whose client has connected, and drops them', async () => {
    const connected = await fixture.live({ connectTimeoutMs: 1 });
    const refs = await copies(connected.record.ref);
    await deps.redis.hset(keys.attached, Object.fromEntries(refs.map(ref => [ref, '1'])));
    await deps.redis.zadd(keys.due, ...refs.flatMap(ref => ['1', `${ref}|connect`]));
    const ref = await overdue();
    await fixture.withSweeper(async () => {
      await fixture.ended(ref, 8_000);
      await until('the connect deadlines to go', async () => (await deps.redis.zcount(keys.due, 1, 1)) === 0);
    });
  }, 20_000);

  it('1 000 deadlines of rows that it cannot read', async () => {
    const unreadable = await fixture.live();
    await deps.redis.hset(keys.row(unreadable.record.ref), 'mv', '99');
    const refs = await copies(unreadable.record.ref);
    await deps.redis.zadd(keys.due, ...refs.flatMap(ref => ['1', `${ref}|session`]));
    const ref = await overdue();
    await fixture.withSweeper(() => fixture.ended(ref, 8_000));
    // They are left to a process that can read them.
    expect(await deps.redis.zcount(keys.due, 1, 1)).toBe(MANY);
  }, 20_000);

  it('1 000 deadlines that the rows have moved, and corrects their times', async () => {
    const moved = await fixture.live();
    const refs = await copies(moved.record.ref);
    await deps.redis.zadd(keys.due, ...refs.flatMap(ref => ['1', `${ref}|session`]));
    const ref = await overdue();
    await fixture.withSweeper(async () => {
      await fixture.ended(ref, 8_000);
      await until('the entries to move', async () => (await deps.redis.zcount(keys.due, 1, 1)) === 0);
    });
    expect(await deps.redis.zcard(keys.due)).toBe(MANY + 1);
  }, 20_000);

  it('effects that no process can read, or that another process has to carry out', async () => {
    const ref = await fixture.accept();
    await deps.redis.del(`${KEY_PREFIX}:launch:${ref}.launch.1`, `${KEY_PREFIX}:launch:wait`);
    const unknown = Array.from({ length: MANY }, (_, i) =>
      JSON.stringify({ ref, revision: i, effect: { kind: 'recording.start' } }),
    );
    const wanted = JSON.stringify({ ref, revision: 1, effect: { kind: 'launch.enqueue', attempt: 1 } });
    await deps.redis.zadd(keys.effects, '1', '{', ...unknown.flatMap(member => ['1', member]), '2', wanted);
    await fixture.withSweeper(() =>
      until('the launch job', () => deps.producer.hasLaunchJob(ref, 1, Date.now())),
    );
    await until('the acknowledgement', async () => (await deps.redis.zscore(keys.effects, wanted)) === null);
    expect(await deps.redis.zcard(keys.effects)).toBe(MANY + 1);
  }, 20_000);

  it('waiting sessions that have their jobs, and those that it cannot read', async () => {
    const waiting = await fixture.accept();
    const refs = await copies(waiting);
    await deps.redis.hset(keys.row(refs[0] ?? waiting), 'mv', '99');
    await deps.redis.zadd(keys.queued, ...refs.flatMap(ref => ['1', ref]));
    await Promise.all(refs.slice(1).map(ref => deps.producer.enqueueLaunch(ref, 1)));
    const ref = await fixture.accept();
    await deps.redis.zadd(keys.queued, '2', ref);
    await deps.redis.del(`${KEY_PREFIX}:launch:${ref}.launch.1`);
    await fixture.withSweeper(() =>
      until('the launch job', () => deps.producer.hasLaunchJob(ref, 1, Date.now())),
    );
  }, 20_000);

  it('ended sessions that it cannot forget', async () => {
    const { record } = await fixture.live();
    await deps.stepper.apply({
      ref: record.ref,
      cause: 'test',
      actor: 'test',
      event: (_record, nowMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs }),
    });
    const [broken, newer] = [refOf('default', '0-broken'), refOf('default', '0-newer')];
    await deps.redis.call('COPY', keys.row(record.ref), keys.row(broken));
    await deps.redis.hset(keys.row(broken), 'lk', '{');
    await deps.redis.hdel(keys.row(broken), 'ix');
    await deps.redis.call('COPY', keys.row(record.ref), keys.row(newer));
    await deps.redis.hset(keys.row(newer), 'mv', '99');
    await deps.redis.zadd(keys.ended, '1', broken, '1', newer);
    await fixture.withSweeper(
      () => until('the row to go', async () => (await deps.redis.exists(keys.row(record.ref))) === 0),
      100,
    );
    expect(await deps.redis.exists(keys.row(broken), keys.row(newer))).toBe(1);
  }, 20_000);

  it('the sessions of a dead worker that it cannot read, and those of the next worker', async () => {
    const [first, second] = [await fixture.accept(), await fixture.accept()];
    await fixture.claim(first, 'w-1');
    await fixture.claim(second, 'w-2');
    await deps.redis.hset(keys.row(first), 'mv', '99');
    await deps.redis.zadd(keys.leases, 1, 'w-1', 2, 'w-2');
    // As if it had been in contact, for longer than a lease, with a Redis that has been up as long.
    const maintenance = Object.assign(Object.create(deps.maintenance) as typeof deps.maintenance, {
      serverRunId: () => Promise.resolve('1'),
      nowMs: async () => (await deps.maintenance.nowMs()) + looks * 4_000,
    });
    const clock = { ...deps.clock, monotonicMs: () => deps.clock.monotonicMs() + looks * 4_000 };
    const reaper = new Reaper({ ...deps, maintenance, contact: new RedisContact({ maintenance, clock }) });
    let looks = 0;
    for (; looks < 3; looks += 1) await reaper.look(true);
    await reaper.look(true);
    expect((await deps.sessions.load(second)).record?.snapshot.value).toEqual({ created: 'queued' });
    expect(await deps.redis.smembers(keys.owned('w-1'))).toEqual([first]);
    expect(await deps.redis.zscore(keys.leases, 'w-1')).toBe('1');
  }, 20_000);
});
