import { keys } from '../../../src/redis/keys';
import type { SessionRef } from '../../../src/core/ids';
import { Drain } from '../../../workers/drain';
import type { EngineFixture } from '../../support/engine-fixture';
import { makeNewer } from '../../support/newer-rows';
import { TestLauncher } from '../../support/test-launcher';
import { pollUntil } from '../../support/poll-until';
import { scaled } from '../../support/slowdown';

describe('a worker beside rows of a newer version', () => {
  let fixture: EngineFixture;
  let launcher: TestLauncher;

  beforeEach(async () => {
    launcher = await TestLauncher.open({ slots: 4 });
    ({ fixture } = launcher);
  });
  afterEach(() => launcher.close());

  const newerQueued = async (count: number) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const ref = await fixture.accept();
        return { ref, makeReadable: await makeNewer(fixture.deps.redis, ref) };
      }),
    );

  const untilLive = (ref: SessionRef, timeoutMs: number) =>
    pollUntil(`${ref} to be live`, { timeoutMs, everyMs: 20 }, async () =>
      (await fixture.deps.redis.hget(keys.row(ref), 'st')) === 'live' ? true : undefined,
    );

  it('hands their launch jobs back, keeps its slots and launches all others', async () => {
    const newer = await newerQueued(8);
    const own = await fixture.accept();
    await launcher.start();
    await untilLive(own, 3_000);
    expect(launcher.launched).toEqual([own]);
    expect(await fixture.deps.producer.hasLaunchJob(newer[0]?.ref ?? own, 1, Date.now())).toBe(true);
    expect(await fixture.deps.redis.zcard(keys.quarantine)).toBe(0);
    // No slot is held: all four can be taken at once.
    await pollUntil('the slots', { timeoutMs: 2_000, everyMs: 1 }, () => {
      const taken = [1, 2, 3, 4].map(() => launcher.slots.take());
      taken.filter(Boolean).forEach(() => launcher.slots.release());
      return taken.every(Boolean) || undefined;
    });
  }, 20_000);

  it('tries them at growing intervals, and a newer worker gets them within seconds', async () => {
    const newer = await newerQueued(8);
    await launcher.start();
    const startMs = performance.now();
    // The delays are 0.1, 0.2, 0.4 and 0.8 s, so the fifth delivery of each job comes after 1.5 s.
    await pollUntil('five deliveries of each', { timeoutMs: 8_000, everyMs: 5 }, () =>
      launcher.taken >= 8 * 5 ? true : undefined,
    );
    expect(performance.now() - startMs).toBeGreaterThan(1_300);
    // As if a newer worker had come: now a process can read them.
    await Promise.all(newer.map(({ makeReadable }) => makeReadable()));
    await Promise.all(newer.slice(0, 4).map(({ ref }) => untilLive(ref, 7_000)));
  }, 20_000);

  it('ends the browser of a session that became newer while it was launched', async () => {
    const ref = await fixture.accept();
    launcher.onLaunch = async () => {
      await makeNewer(fixture.deps.redis, ref);
    };
    await launcher.start();
    await pollUntil('the browser to be closed', { timeoutMs: 3_000, everyMs: 10 }, () =>
      launcher.closed.includes(ref) ? true : undefined,
    );
    expect(launcher.owned.has(ref)).toBe(false);
  });

  it('drains: releases what it can, leaves the rest to newer processes, else keeps its lease', async () => {
    const { deps } = fixture;
    await deps.leases.renew('w-1', { hostname: 'h', slots: 4, used: 2, draining: false });
    const [own, newer] = [await fixture.live(), await fixture.live()];
    const makeReadable = await makeNewer(deps.redis, newer.record.ref);
    const drain = new Drain({ ...launcher.drainParts('w-1'), ...deps });
    const startMs = performance.now();
    await drain.run(8_000);
    expect(performance.now() - startMs).toBeLessThan(scaled(4_000));
    const { record } = await deps.sessions.load(own.record.ref);
    expect(record?.snapshot.context.endReason).toBe('drained');
    expect(await deps.redis.zscore(keys.leases, 'w-1')).not.toBeNull();
    await makeReadable();
    expect(await deps.redis.llen('{hf}:sessions:wait')).toBe(1);
  }, 15_000);
});
