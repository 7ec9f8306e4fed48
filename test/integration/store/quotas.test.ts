import { firstStep } from '../../../machines/step';
import { NO_QUOTAS, type TenantQuotas } from '../../../src/config/quotas';
import { createdAtOfMember, keys } from '../../../src/redis/keys';
import type { CreateAnswer } from '../../../src/store/session-record';
import { INPUT } from '../../support/session-samples';
import { StoreFixture } from '../../support/store-fixture';

const MINUTE_MS = 60_000;

describe('quotas in the create script', () => {
  let fixture: StoreFixture;

  beforeAll(async () => {
    fixture = await StoreFixture.open();
  });
  afterAll(() => fixture.close());
  beforeEach(() => fixture.redis.flushall());

  /** @param agoMs - how long ago the session is said to be created, by Redis `TIME` */
  const create = async (
    id: string,
    quotas: Partial<TenantQuotas>,
    { agoMs = 0, tenant = 'default', key = null as string | null, opId = id } = {},
  ): Promise<CreateAnswer> => {
    const nowMs = (await fixture.maintenance.nowMs()) - agoMs;
    const input = { ...INPUT, id, tenant, nowMs };
    return fixture.store.create({
      ...{ input, first: firstStep(input), fingerprint: 'f', opId, actor: 'test' },
      idempotency: key === null ? null : { key, ttlMs: MINUTE_MS },
      quotas: { ...NO_QUOTAS, ...quotas },
    });
  };

  it('says after each create what is left', async () => {
    const quotas = { liveSessions: 3, queuedSessions: 2, createsPerMinute: 10 };
    expect(await create('a', quotas)).toMatchObject({
      answer: 'OK',
      budgets: [
        { quota: 'liveSessions', limit: 3, remaining: 2, moreInMs: 0 },
        { quota: 'queuedSessions', limit: 2, remaining: 1, moreInMs: 0 },
        { quota: 'createsPerMinute', limit: 10, remaining: 9, moreInMs: MINUTE_MS },
      ],
    });
    expect(await create('b', { liveSessions: 3 })).toMatchObject({
      budgets: [{ quota: 'liveSessions', remaining: 1 }],
    });
  });

  it('counts sessions until they end, also those that are live', async () => {
    const quotas = { liveSessions: 2 };
    await create('a', quotas);
    await create('b', quotas);
    const ref = 'default/a' as never;
    const nowMs = await fixture.maintenance.nowMs();
    await fixture.commit(ref, 'claim', { type: 'CLAIM', nowMs, workerId: 'w', claimId: 'c' });
    expect(await create('c', quotas)).toEqual({
      answer: 'QUOTA',
      quota: 'liveSessions',
      waitMs: 0,
      budgets: [{ quota: 'liveSessions', limit: 2, remaining: 0, moreInMs: 0 }],
    });
    await fixture.commit(ref, 'end', { type: 'RELEASE', nowMs, reason: 'released_by_client' });
    expect(await create('c', quotas)).toMatchObject({ answer: 'OK' });
  });

  it('counts those that wait apart from those that were claimed', async () => {
    const quotas = { queuedSessions: 1 };
    await create('a', quotas);
    expect(await create('b', quotas)).toMatchObject({ answer: 'QUOTA', quota: 'queuedSessions' });
    const nowMs = await fixture.maintenance.nowMs();
    await fixture.commit('default/a' as never, 'claim', {
      type: 'CLAIM',
      nowMs,
      workerId: 'w',
      claimId: 'c',
    });
    expect(await create('b', quotas)).toMatchObject({ answer: 'OK' });
  });

  it('counts creates of the last sixty seconds by Redis TIME, and says when the oldest will leave', async () => {
    const quotas = { createsPerMinute: 2 };
    await create('out', quotas, { agoMs: MINUTE_MS });
    await create('in', quotas, { agoMs: MINUTE_MS - 10_000 });
    await create('new', quotas);
    const refused = await create('more', quotas);
    expect(refused).toMatchObject({ answer: 'QUOTA', quota: 'createsPerMinute' });
    const { waitMs } = refused as { waitMs: number };
    expect(waitMs).toBeLessThanOrEqual(10_000);
    expect(waitMs).toBeGreaterThan(5_000);
  });

  it('admits the next create exactly when it has said', async () => {
    const quotas = { createsPerMinute: 1 };
    await create('in', quotas, { agoMs: MINUTE_MS - 300 });
    const refused = await create('early', quotas);
    expect(refused).toMatchObject({ answer: 'QUOTA' });
    const [first = ''] = await fixture.redis.zrange(keys.indexAll('default'), '0', '0');
    const since = createdAtOfMember(first);
    // Asks as fast as it can: the answer changes at the boundary and not a millisecond before.
    for (;;) {
      const beforeMs = await fixture.maintenance.nowMs();
      const answer = await create('due', quotas);
      const afterMs = await fixture.maintenance.nowMs();
      if (answer.answer === 'OK') {
        expect(afterMs).toBeGreaterThanOrEqual(since + MINUTE_MS);
        return;
      }
      expect(beforeMs).toBeLessThan(since + MINUTE_MS);
    }
  });

  it('does not count creates from before the clock was set back', async () => {
    const quotas = { createsPerMinute: 1 };
    await create('future', {}, { agoMs: -3_600_000 });
    expect(await create('a', quotas)).toMatchObject({ answer: 'OK' });
    expect(await create('b', quotas)).toMatchObject({ answer: 'QUOTA' });
  });

  it('names of several quotas the one that is used up for longest', async () => {
    const quotas = { liveSessions: 1, createsPerMinute: 1 };
    await create('a', quotas);
    expect(await create('b', quotas)).toMatchObject({ answer: 'QUOTA', quota: 'createsPerMinute' });
  });

  it('admits nothing under a quota of 0', async () => {
    expect(await create('a', { liveSessions: 0 })).toMatchObject({ answer: 'QUOTA' });
    expect(await create('a', { queuedSessions: 0 })).toMatchObject({ answer: 'QUOTA' });
    expect(await create('a', { createsPerMinute: 0 })).toMatchObject({ answer: 'QUOTA', waitMs: MINUTE_MS });
  });

  it('never refuses the repeat of a create that was accepted', async () => {
    const quotas = { liveSessions: 1, queuedSessions: 1, createsPerMinute: 1 };
    await create('a', quotas, { key: 'k' });
    expect(await create('a', quotas, { key: 'k' })).toMatchObject({ answer: 'REPLAY' });
    expect(await create('b', quotas, { key: 'k' })).toMatchObject({ answer: 'IDEMPOTENT', ref: 'default/a' });
    expect(await create('a', quotas, { opId: 'other' })).toMatchObject({ answer: 'EXISTS' });
  });

  it('counts each tenant by itself', async () => {
    await create('a', { liveSessions: 1 });
    expect(await create('a', { liveSessions: 1 }, { tenant: 'acme' })).toMatchObject({ answer: 'OK' });
  });

  it('leaves nothing behind of a create that it refuses', async () => {
    await create('a', { liveSessions: 1 });
    const state = async (): Promise<string[]> => (await fixture.redis.keys('*')).sort();
    const before = await state();
    const turns = await fixture.redis.zcard(keys.turns);
    await create('b', { liveSessions: 1 }, { key: 'k' });
    expect(await state()).toEqual(before);
    expect(await fixture.redis.zcard(keys.turns)).toBe(turns);
    expect(await fixture.redis.hget(keys.counts, 'created')).toBe('1');
  });

  it('says without writing whether a create would be refused', async () => {
    const quotas = { ...NO_QUOTAS, liveSessions: 1 };
    expect(await fixture.store.quotaInTheWay('default', 'a', quotas)).toBeNull();
    expect(await fixture.redis.keys('*')).toEqual([]);
    await create('a', quotas);
    expect(await fixture.store.quotaInTheWay('default', 'b', quotas)).toMatchObject({
      quota: 'liveSessions',
    });
  });
});
