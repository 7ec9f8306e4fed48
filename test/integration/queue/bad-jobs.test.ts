import type { Deps } from '../../../src/deps';
import { startStepping } from '../../../workers/stepping';
import type { QuarantinedJob } from '../../../src/store/quarantine-store';
import { EngineFixture } from '../../support/engine-fixture';
import { pollUntil } from '../../support/poll-until';

/* Jobs as any client with access to Redis can write them: in BullMQ's layout, without our producer. */
async function plant(deps: Deps, id: string, data: string): Promise<void> {
  const job = `{hf}:sessions:${id}`;
  await deps.redis.hset(job, {
    name: 'whatever',
    data,
    opts: '{"attempts":1}',
    timestamp: 1,
    delay: 0,
    priority: 0,
  });
  await deps.redis.lpush('{hf}:sessions:wait', id);
  await deps.redis.zadd('{hf}:sessions:marker', 0, '0');
}

describe('a job that no consumer can handle', () => {
  let fixture: EngineFixture;
  let deps: Deps;

  beforeEach(async () => {
    fixture = await EngineFixture.open();
    ({ deps } = fixture);
    await startStepping(deps);
  });
  afterEach(() => fixture.close());

  const quarantined = (): Promise<QuarantinedJob> =>
    pollUntil('a job in quarantine', { timeoutMs: 15_000, everyMs: 20 }, async () => {
      const { entries } = await deps.quarantine.page({ isWanted: () => true, cursor: null, limit: 1 });
      return entries[0] === undefined ? undefined : ((await deps.quarantine.get(entries[0].id)) ?? undefined);
    });

  /* The queue still works: a probe passes through it, and nothing of the bad job is left. */
  const expectHealthy = async (id: string): Promise<void> => {
    const heard = deps.waiters.outcome('probe-after');
    await deps.producer.sendCommand({ v: 1, command: 'probe', commandId: 'probe-after' });
    expect(await heard.settled(2_500)).toBe(true);
    heard.stop();
    await pollUntil('the job to be gone', { timeoutMs: 5_000, everyMs: 20 }, async () =>
      (await deps.redis.exists(`{hf}:sessions:${id}`, '{hf}:sessions:active', '{hf}:sessions:wait')) === 0
        ? true
        : undefined,
    );
  };

  it.each([
    ['an unknown command', JSON.stringify({ v: 1, command: 'explode', commandId: 'x' }), 'malformed'],
    ['a future version', JSON.stringify({ v: 2, command: 'probe', commandId: 'x' }), 'malformed'],
    ['data that is no object', '"text"', 'malformed'],
    [
      'a megabyte',
      JSON.stringify({ v: 1, command: 'probe', commandId: 'x', fill: 'x'.repeat(1e6) }),
      'oversized',
    ],
    ['a tower of brackets', `${'['.repeat(30_000)}${']'.repeat(30_000)}`, 'oversized'],
  ])('goes into quarantine when it holds %s', async (_what, data, reason) => {
    await plant(deps, 'bad', data);
    const job = await quarantined();
    expect(job).toMatchObject({ queue: 'sessions', jobId: 'bad', name: 'whatever', reason });
    expect(job.data.length).toBeLessThanOrEqual(65_536);
    expect(job.isTruncated).toBe(job.data.length < job.size);
    await expectHealthy('bad');
  });

  it('is quarantined by the sweep when it is not even JSON, which BullMQ would try for ever', async () => {
    await plant(deps, 'bad', '{not json');
    expect(await quarantined()).toMatchObject({ jobId: 'bad', reason: 'not_json', data: '{not json' });
    await expectHealthy('bad');
  });

  it('is quarantined by the sweep when it has lost its data', async () => {
    await deps.redis.rpush('{hf}:sessions:active', 'ghost');
    expect(await quarantined()).toMatchObject({ jobId: 'ghost', reason: 'orphaned' });
    await expectHealthy('ghost');
  });

  it('changes nothing when it names a session that does not exist', async () => {
    const heard = deps.waiters.outcome('release-nobody');
    await plant(
      deps,
      'bad',
      JSON.stringify({
        v: 1,
        command: 'release',
        commandId: 'release-nobody',
        ref: 'default/nobody',
        reason: 'released_by_client',
        actor: 'test',
      }),
    );
    expect(await heard.settled(2_500)).toBe(true);
    heard.stop();
    await expectHealthy('bad');
    const { entries } = await deps.quarantine.page({ isWanted: () => true, cursor: null, limit: 1 });
    expect(entries).toEqual([]);
  });
});
