import type { SessionRef } from '../../../src/core/ids';
import { pollUntil } from '../../support/poll-until';
import { TestLauncher } from '../../support/test-launcher';

const MANY = 1_000;
const SLOTS = 2;

describe('launches while sessions of several tenants wait', () => {
  let launcher: TestLauncher;
  beforeEach(async () => (launcher = await TestLauncher.open({ slots: SLOTS })));
  afterEach(() => launcher.close());

  const accept = async (count: number, tenant: string, weight = 1): Promise<SessionRef[]> => {
    const refs: SessionRef[] = [];
    for (let at = 0; at < count; at += 1)
      refs.push(
        await launcher.fixture.accept({}, `${tenant}-${String(at).padStart(4, '0')}`, { tenant, weight }),
      );
    return refs;
  };
  /** The first launches, in their order. */
  const launches = (count: number): Promise<string[]> =>
    pollUntil('the launches', { timeoutMs: 60_000, everyMs: 10 }, () =>
      launcher.launched.length >= count ? launcher.launched.slice(0, count) : undefined,
    );
  const of = (tenant: string, launched: readonly string[]): string[] =>
    launched.filter(ref => ref.startsWith(`${tenant}/`));

  it("are not delayed for a tenant's first by a thousand of another, which keep their order", async () => {
    await accept(MANY, 'a');
    const [first] = await accept(1, 'b');
    const { index } = launcher.fixture.deps;
    expect(await index.queuePosition(first ?? ('' as never))).toBeLessThanOrEqual(1);
    await launcher.start();
    const launched = await launches(40);
    expect(launched.slice(0, 2 + SLOTS)).toContain(first);
    // Side by side, two launches may begin in either order.
    const order = of('a', launched).map(ref => Number(ref.slice(-4)));
    order.forEach((at, place) => expect(Math.abs(at - place)).toBeLessThan(SLOTS));
  }, 120_000);

  it('are shared by weight', async () => {
    await accept(60, 'heavy', 3);
    await accept(60, 'light', 1);
    await launcher.start();
    const launched = await launches(40);
    expect(Math.abs(of('heavy', launched).length - 30)).toBeLessThanOrEqual(1);
  }, 60_000);

  it('keep their shares when the sweep adds all jobs again', async () => {
    await accept(40, 'a');
    await accept(40, 'b');
    const { deps } = launcher.fixture;
    const lost = await deps.redis.keys('{hf}:launch:*');
    await deps.redis.del(...lost.filter(key => !key.endsWith(':meta')));
    // As if they had waited for longer than it allows for.
    for (const ref of await deps.redis.zrange('{hf}:queued', '0', '-1'))
      await deps.redis.zadd('{hf}:queued', 1, ref);
    await launcher.fixture.withSweeper(() =>
      pollUntil('the jobs', { timeoutMs: 20_000, everyMs: 50 }, async () =>
        (await deps.redis.zcard('{hf}:launch:prioritized')) === 80 ? true : undefined,
      ),
    );
    await launcher.start();
    const launched = await launches(20);
    expect(Math.abs(of('a', launched).length - 10)).toBeLessThanOrEqual(1);
  }, 60_000);

  it('go on in the order of creation when a job is handed back', async () => {
    const refs = await accept(12, 'a');
    launcher.slots.setDrained(true);
    await launcher.start();
    await pollUntil('jobs to be handed back', { timeoutMs: 10_000, everyMs: 10 }, () =>
      launcher.taken >= 4 ? true : undefined,
    );
    launcher.slots.setDrained(false);
    const launched = await launches(refs.length);
    launched.forEach((ref, place) =>
      expect(Math.abs(refs.indexOf(ref as SessionRef) - place)).toBeLessThan(SLOTS + 1),
    );
  }, 60_000);
});
