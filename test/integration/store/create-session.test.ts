import { firstStep } from '../../../machines/step';
import { NO_QUOTAS } from '../../../src/config/quotas';
import { keys } from '../../../src/redis/keys';
import type { CreateAnswer } from '../../../src/store/session-record';
import { INPUT, T0 } from '../../support/session-samples';
import { StoreFixture } from '../../support/store-fixture';

describe('the create script', () => {
  let fixture: StoreFixture;

  beforeAll(async () => {
    fixture = await StoreFixture.open();
  });
  afterAll(() => fixture.close());
  beforeEach(() => fixture.redis.flushall());

  const create = (
    id: string,
    { opId = id, fingerprint = 'f', tenant = 'default', key = null as string | null } = {},
  ): Promise<CreateAnswer> => {
    const input = { ...INPUT, id, tenant, nowMs: T0 };
    const idempotency = key === null ? null : { key, ttlMs: 60_000 };
    return fixture.store.create({
      ...{ input, first: firstStep(input), fingerprint, opId, actor: 'test', idempotency },
      quotas: NO_QUOTAS,
    });
  };

  it('accepts a session with its indexes, its deadline and its launch effect', async () => {
    expect(await create('a')).toEqual({ answer: 'OK', budgets: [], turn: 0 });
    const member = `${T0.toString(16).padStart(12, '0')}a`;
    for (const index of [
      keys.indexAll('default'),
      keys.indexStatus('default', 'created'),
      keys.indexLabel('default', 'team=search'),
      keys.indexLabel('default', 'team'),
    ]) {
      expect(await fixture.redis.zrange(index, '0', '-1')).toEqual([member]);
    }
    expect(await fixture.redis.zrange(keys.due, '0', '-1', 'WITHSCORES')).toEqual([
      'default/a|disconnect',
      String(T0 + 50_000),
      'default/a|queue',
      String(T0 + 60_000),
    ]);
    expect(await fixture.redis.zrange(keys.queued, '0', '-1')).toEqual(['default/a']);
    expect(await fixture.redis.zcard(keys.effects)).toBe(3);
  });

  it('answers REPLAY to the very same call, and writes nothing twice', async () => {
    await create('a');
    expect(await create('a')).toEqual({ answer: 'REPLAY' });
    expect(await fixture.redis.llen(keys.history('default/a' as never))).toBe(1);
    expect(await fixture.redis.hget(keys.counts, 'created')).toBe('1');
  });

  it('answers EXISTS with the fingerprint when another call has the id', async () => {
    await create('a', { fingerprint: 'first' });
    expect(await create('a', { opId: 'other', fingerprint: 'second' })).toEqual({
      answer: 'EXISTS',
      ref: 'default/a',
      fingerprint: 'first',
    });
  });

  it('answers IDEMPOTENT with the first session when the key was used', async () => {
    await create('a', { key: 'k' });
    expect(await create('b', { key: 'k' })).toEqual({
      answer: 'IDEMPOTENT',
      ref: 'default/a',
      fingerprint: 'f',
    });
    expect(await fixture.redis.exists(keys.row('default/b' as never))).toBe(0);
  });

  it('makes one session of fifty calls with the same key at once (I10)', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => create(`s-${i}`, { opId: `op-${i}`, key: 'k' })),
    );
    expect(answers.filter(({ answer }) => answer === 'OK')).toHaveLength(1);
    expect(await fixture.redis.zcard(keys.indexAll('default'))).toBe(1);
  });

  it('keeps tenants apart: the same id and the same key are theirs alone (I14)', async () => {
    await create('a', { key: 'k' });
    expect(await create('a', { tenant: 'acme', key: 'k' })).toEqual({ answer: 'OK', budgets: [], turn: 0 });
  });

  it('writes nothing when Redis has no memory left', async () => {
    await fixture.redis.config('SET', 'maxmemory', '1');
    try {
      await expect(create('a')).rejects.toThrow(/OOM/);
      expect(await fixture.redis.dbsize()).toBe(0);
    } finally {
      await fixture.redis.config('SET', 'maxmemory', '0');
    }
  });
});
