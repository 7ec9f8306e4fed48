import { firstStep } from '../../../machines/step';
import { NO_QUOTAS } from '../../../src/config/quotas';
import { refOf, type SessionRef } from '../../../src/core/ids';
import { keys } from '../../../src/redis/keys';
import { INPUT } from '../../support/session-samples';
import { StoreFixture } from '../../support/store-fixture';

describe('the turns of sessions that wait', () => {
  let fixture: StoreFixture;
  let made = 0;

  beforeAll(async () => {
    fixture = await StoreFixture.open();
  });
  afterAll(() => fixture.close());
  beforeEach(() => fixture.redis.flushall());

  const create = async (tenant: string, weight = 1): Promise<SessionRef> => {
    made += 1;
    const id = `s${made}`;
    const input = { ...INPUT, id, tenant, nowMs: await fixture.maintenance.nowMs() };
    await fixture.store.create({
      ...{ input, first: firstStep(input), fingerprint: 'f', opId: id, actor: 'test', idempotency: null },
      quotas: { ...NO_QUOTAS, weight },
    });
    return refOf(tenant, id);
  };
  const createMany = async (count: number, tenant: string, weight = 1): Promise<SessionRef[]> => {
    const refs: SessionRef[] = [];
    for (let at = 0; at < count; at += 1) refs.push(await create(tenant, weight));
    return refs;
  };
  const commit = async (ref: SessionRef, type: 'CLAIM' | 'RELEASE' | 'LAUNCH_FAILED'): Promise<void> => {
    const nowMs = await fixture.maintenance.nowMs();
    const events = {
      CLAIM: { type: 'CLAIM', nowMs, workerId: 'w', claimId: 'c' },
      RELEASE: { type: 'RELEASE', nowMs, reason: 'released_by_client' },
      LAUNCH_FAILED: { type: 'LAUNCH_FAILED', nowMs, message: 'no' },
    } as const;
    await fixture.commit(ref, `${type}-${ref}`, events[type]);
  };
  const waiting = async (): Promise<SessionRef[]> =>
    (await fixture.redis.zrange(keys.turns, '0', '-1')) as SessionRef[];
  /** Launches so many, always the next; answers their tenants. */
  const launch = async (count: number): Promise<string> => {
    let launched = '';
    for (let at = 0; at < count; at += 1) {
      const [next] = await waiting();
      if (next === undefined) break;
      await commit(next, 'CLAIM');
      launched += next.slice(0, 1);
    }
    return launched;
  };

  it('are those of creation in one tenant', async () => {
    const refs = await createMany(12, 'a');
    expect(await waiting()).toEqual(refs);
    await launch(5);
    const later = await createMany(3, 'a');
    expect(await waiting()).toEqual([...refs.slice(5), ...later]);
  });

  it('let a tenant that begins to wait come next, and then alternate', async () => {
    await createMany(30, 'a');
    await launch(10);
    await createMany(4, 'b');
    expect(await launch(9)).toMatch(/^(ab|ba){4}a$/);
  });

  it('are shared by weight', async () => {
    await createMany(30, 'a', 3);
    await createMany(30, 'b', 1);
    const launched = await launch(24);
    expect(launched.split('a').length - 1).toBe(18);
    // Never long without the lighter one.
    expect(launched).not.toContain('aaaaa');
  });

  it('are shared by weight also with a tenant that has one session waiting at a time', async () => {
    await createMany(40, 'a', 3);
    let ofB = 0;
    await create('b', 1);
    for (let at = 0; at < 24; at += 1) {
      if ((await launch(1)) !== 'b') continue;
      ofB += 1;
      await create('b', 1);
    }
    expect(ofB).toBeGreaterThanOrEqual(6);
    expect(ofB).toBeLessThanOrEqual(7);
  });

  it('give no credit for a time without waiting sessions', async () => {
    await createMany(40, 'a');
    await create('b');
    await launch(20);
    await createMany(10, 'b');
    expect(await launch(10)).toMatch(/^(ab|ba){5}$/);
  });

  it('do not count what was released before it was launched', async () => {
    await createMany(10, 'a');
    for (const ref of await createMany(30, 'b')) await commit(ref, 'RELEASE');
    await create('b');
    expect(await launch(3)).toContain('b');
  });

  it('put a session whose launch has failed behind the others of its tenant', async () => {
    const [first, ...others] = await createMany(3, 'a');
    if (first === undefined) throw new Error('none was created');
    await commit(first, 'CLAIM');
    await commit(first, 'LAUNCH_FAILED');
    // Of equal turns the launch job that was added last is taken last.
    const turns = await Promise.all([first, ...others].map(ref => fixture.redis.zscore(keys.turns, ref)));
    expect(turns).toEqual(['2', '1', '2']);
  });

  it('begin anew when nobody waits, and leave nothing', async () => {
    await createMany(3, 'a');
    await launch(3);
    expect(await fixture.redis.exists(keys.turns, keys.turnsOf('a'), keys.servedTurns)).toBe(0);
    const ref = await create('a');
    expect(await fixture.redis.zscore(keys.turns, ref)).toBe('0');
  });

  it('outlive the worker of another version, which takes sessions out of the queue without them', async () => {
    const refs = await createMany(5, 'a');
    await fixture.redis.zrem(keys.queued, ...refs.slice(1));
    await create('b');
    const next = await create('a');
    expect(await fixture.redis.zscore(keys.turns, next)).toBe('1');
    expect(await fixture.redis.zcard(keys.turnsOf('a'))).toBe(2);
  });
});
