import { once } from 'node:events';
import fc from 'fast-check';
import { FlowProducer, Job, Queue, QueueEvents } from 'bullmq';
import { systemClock } from '../../../src/core/clock';
import type { BadJob } from '../../../src/core/quarantine';
import { blockingOptions } from '../../../src/redis/connection';
import { INGRESS_PREFIX, keys } from '../../../src/redis/keys';
import { QUARANTINE_AGE_MS, QuarantineStore, type QuarantinedJob } from '../../../src/store/quarantine-store';
import { QueueWatch } from '../../../src/store/queue-watch';
import { StoreFixture } from '../../support/store-fixture';
import { pollUntil } from '../../support/poll-until';

const PREFIX = `${INGRESS_PREFIX}:ingress:`;
const INGRESS = { queue: 'ingress', prefix: PREFIX, isForeign: true, concurrency: 1 };

const JOB: BadJob = {
  queue: 'ingress',
  jobId: '1',
  name: 'session.create',
  reason: 'malformed',
  detail: 'no version',
  data: '{}',
};

let fixture: StoreFixture;
let quarantine: QuarantineStore;
let watch: QueueWatch;
beforeAll(async () => (fixture = await StoreFixture.open()));
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.redis.flushall();
  quarantine = new QuarantineStore(fixture.redis, fixture.scripts, systemClock);
  watch = new QueueWatch(fixture.redis, fixture.scripts, quarantine);
});

const all = async (): Promise<QuarantinedJob[]> => {
  const { entries } = await quarantine.page({ isWanted: () => true, cursor: null, limit: 2_000 });
  const jobs = await Promise.all(entries.map(({ id }) => quarantine.get(id)));
  return jobs.filter(job => job !== null);
};

describe('the quarantine', () => {
  it('keeps the newest thousand', async () => {
    for (let i = 0; i < 1_003; i += 1) await quarantine.put({ ...JOB, jobId: String(i) });
    expect((await all()).map(({ jobId }) => Number(jobId))).toEqual(
      Array.from({ length: 1_000 }, (_, i) => 1_002 - i),
    );
    for (const hash of [keys.quarantineEntries, keys.quarantineData])
      expect(await fixture.redis.hlen(hash)).toBe(1_000);
  });

  it('deletes entries older than a week, even when no new ones come', async () => {
    const { id } = await quarantine.put(JOB);
    await fixture.redis.zincrby(keys.quarantine, (-QUARANTINE_AGE_MS + 5_000) * 1_000, id);
    await quarantine.prune();
    expect(await quarantine.get(id)).toMatchObject(JOB);
    await fixture.redis.zincrby(keys.quarantine, -5_001_000, id);
    await quarantine.prune();
    expect(await quarantine.get(id)).toBeNull();
    expect(await fixture.redis.exists(keys.quarantine, keys.quarantineEntries, keys.quarantineData)).toBe(0);
  });

  it('keeps the first 64 KiB of a payload, and marks it as cut', async () => {
    const data = 'ä'.repeat(65_536);
    const { id } = await quarantine.put({ ...JOB, data });
    expect(await quarantine.get(id)).toMatchObject({
      size: 131_072,
      isTruncated: true,
      data: data.slice(0, 32_768),
    });
  });

  it('removes control characters from texts of other services', async () => {
    const hostile = '\u001b[2Jhi\n"\u202e\ud800\u0000\u2028';
    const { id } = await quarantine.put({
      ...JOB,
      jobId: hostile,
      name: hostile.repeat(99),
      detail: hostile,
    });
    const job = await quarantine.get(id);
    expect(job).toMatchObject({ jobId: '\ufffd[2Jhi\ufffd"\ufffd\ufffd\ufffd\ufffd' });
    expect(job?.name).toHaveLength(128);
    expect(`${job?.jobId}${job?.name}${job?.detail}`).not.toMatch(/[\p{Cc}\p{Cs}\p{Cf}]/u);
  });

  it('is paged from the newest to the oldest, even when entries are removed meanwhile', async () => {
    for (let i = 0; i < 7; i += 1) await quarantine.put({ ...JOB, jobId: String(i) });
    const isWanted = ({ jobId }: { jobId: string }): boolean => jobId !== '4';
    const first = await quarantine.page({ isWanted, cursor: null, limit: 3 });
    expect(first.entries.map(({ jobId }) => jobId)).toEqual(['6', '5', '3']);
    for (const { id } of first.entries) expect(await quarantine.remove(id)).toBe(true);
    const second = await quarantine.page({ isWanted, cursor: first.nextCursor, limit: 3 });
    expect(second.entries.map(({ jobId }) => jobId)).toEqual(['2', '1', '0']);
    expect(second.nextCursor).toBeNull();
    expect(await quarantine.remove(first.entries[0]?.id ?? '')).toBe(false);
  });
});

describe('the queue of other services', () => {
  let queue: Queue;
  beforeEach(async () => {
    queue = new Queue('ingress', { prefix: INGRESS_PREFIX, connection: blockingOptions(fixture.server.url) });
    await queue.waitUntilReady();
  });
  afterEach(() => queue.close());

  const nowMs = (): Promise<number> => fixture.maintenance.nowMs();
  const sweep = async (): Promise<string[]> =>
    (await watch.quarantineAll(INGRESS, await nowMs())).map(({ reason }) => reason);
  /** A job in the middle of being worked on, written without BullMQ. */
  const plant = async (id: string | Buffer, fields: Record<string, string | Buffer> = {}): Promise<void> => {
    const key = Buffer.concat([Buffer.from(PREFIX), Buffer.from(id)]);
    await fixture.redis.hset(key, { name: 'n', opts: '{}', timestamp: '1', data: '{}', ...fields });
    await fixture.redis.lpush(`${PREFIX}active`, id);
  };

  it('keeps every job that BullMQ can read', async () => {
    await plant('1', { data: '{"v":1}', progress: '{"a":1}' });
    await plant('2', { data: '[]', parent: 'null' });
    await plant('3', { data: '5', opts: '7' });
    await queue.add('n', {}, { delay: 60_000 });
    await queue.add('n', {}, { delay: 23 * 3_600_000 });
    await queue.add('n', {}, { priority: 5 });
    expect(await sweep()).toEqual([]);
    expect(await fixture.redis.llen(`${PREFIX}active`)).toBe(3);
    expect(await queue.getDelayedCount()).toBe(2);
  });

  it('quarantines exactly those jobs that BullMQ cannot read', async () => {
    const text = fc.oneof(
      fc.json(),
      fc.constantFrom(
        '',
        'null',
        '{',
        'NaN',
        '1e999',
        '"\ud800"',
        '[[[[',
        'undefined',
        '{"__proto__":1}',
        '\u0000',
      ),
      fc.string(),
    );
    const fields = fc.record({ data: text, opts: text, progress: text, parent: text, name: fc.string() });
    await fc.assert(
      fc.asyncProperty(fields, async given => {
        await fixture.redis.flushall();
        watch = new QueueWatch(fixture.redis, fixture.scripts, quarantine);
        await plant('1', given);
        const isReadable = await Job.fromId(queue, '1').then(
          () => true,
          () => false,
        );
        expect(await sweep()).toEqual(isReadable ? [] : ['not_json']);
        expect(await fixture.redis.exists(`${PREFIX}1`)).toBe(isReadable ? 1 : 0);
      }),
      { numRuns: 300 },
    );
  });

  it('quarantines jobs that are missing, have another type, or have a name that is not text', async () => {
    await fixture.redis.lpush(`${PREFIX}active`, 'ghost');
    await fixture.redis.set(`${PREFIX}text`, 'x');
    await fixture.redis.lpush(`${PREFIX}active`, 'text', 'wait', 'meta');
    await queue.add('n', {});
    await plant(Buffer.from([0xff, 0x31]));
    expect((await sweep()).sort()).toEqual(['damaged', 'damaged', 'damaged', 'orphaned', 'orphaned']);
    expect(await fixture.redis.llen(`${PREFIX}active`)).toBe(0);
    // The keys of the queue that two of those ids name are unchanged.
    expect(await queue.getWaitingCount()).toBe(1);
    expect(await fixture.redis.hlen(`${PREFIX}meta`)).toBeGreaterThan(0);
    expect(await fixture.redis.exists(`${PREFIX}text`)).toBe(0);
  });

  it('never shows a job that ends while it is looked at', async () => {
    await plant('1');
    const put = jest.spyOn(quarantine, 'put');
    const read = fixture.redis.hmgetBuffer.bind(fixture.redis);
    // As BullMQ ends a job that is not kept.
    const endFirst = async (key: Buffer, ...fields: string[]): Promise<unknown> => {
      await fixture.redis.multi().lrem(`${PREFIX}active`, 1, '1').del(key).exec();
      return read(key, ...fields);
    };
    jest.spyOn(fixture.redis, 'hmgetBuffer').mockImplementationOnce(endFirst as never);
    expect(await sweep()).toEqual([]);
    expect(put).not.toHaveBeenCalled();
  });

  it('quarantines jobs with a delay of more than a day', async () => {
    await queue.add('soon', {}, { delay: 3_600_000 });
    await queue.add('late', { a: 1 }, { delay: 25 * 3_600_000 });
    await queue.add('never', {}, { delay: 2 ** 40 });
    await fixture.redis.zadd(`${PREFIX}delayed`, 'inf', 'endless');
    expect(await sweep()).toEqual(['too_far_delayed', 'too_far_delayed', 'too_far_delayed']);
    expect((await queue.getDelayed()).map(({ name }) => name)).toEqual(['soon']);
    expect((await all()).find(({ name }) => name === 'late')).toMatchObject({ data: '{"a":1}' });
  });

  it('quarantines schedulers and parents, which would add jobs or wait for ever', async () => {
    await queue.upsertJobScheduler('each', { every: 60_000 }, { name: 'again', data: { a: 1 } });
    const flows = new FlowProducer({
      prefix: INGRESS_PREFIX,
      connection: blockingOptions(fixture.server.url),
    });
    const children = [{ name: 'child', queueName: 'ingress', data: {} }];
    await flows.add({ name: 'parent', queueName: 'ingress', data: {}, children });
    await flows.close();
    expect((await sweep()).sort()).toEqual(['flow', 'repeated']);
    expect(await queue.getJobSchedulersCount()).toBe(0);
    expect(await queue.getWaitingChildrenCount()).toBe(0);
    expect((await all()).map(({ name }) => name).sort()).toEqual(['again', 'parent']);
  });

  it('tells a waiting caller that the job has failed', async () => {
    const events = new QueueEvents('ingress', {
      prefix: INGRESS_PREFIX,
      connection: blockingOptions(fixture.server.url),
    });
    try {
      await events.waitUntilReady();
      const job = await queue.add('late', {}, { delay: 25 * 3_600_000 });
      const failed = job.waitUntilFinished(events, 10_000);
      const refused = expect(failed).rejects.toThrow(/^too_far_delayed: /);
      // The waiting caller gets the event through the same stream as all others.
      const told = once(events, 'failed');
      await sweep();
      await told;
      await refused;
    } finally {
      await events.close();
    }
  });

  it('takes back pauses, limits and keys that others have set', async () => {
    await queue.pause();
    await queue.setGlobalConcurrency(7);
    await fixture.redis.lpush(`${PREFIX}paused`, 'a', 'b');
    await fixture.redis.set(`${PREFIX}id`, 'not a number');
    await sweep();
    expect(await queue.isPaused()).toBe(false);
    expect(await queue.getGlobalConcurrency()).toBe(1);
    expect(await fixture.redis.lrange(`${PREFIX}wait`, 0, -1)).toEqual(['b', 'a']);
    const { id } = await queue.add('n', {});
    expect(Number(id)).toBeGreaterThan(1_000_000_000_000);
  });

  it.each(['wait', 'active', 'delayed', 'meta', 'events', 'marker', 'completed', 'id', 'repeat'])(
    'goes on after its key %s became something else',
    async name => {
      const key = `${PREFIX}${name}`;
      await fixture.redis.del(key);
      await (name === 'wait' ? fixture.redis.set(key, 'x') : fixture.redis.lpush(key, 'x'));
      const isWrong = name !== 'active';
      expect(await sweep()).toEqual(isWrong ? ['damaged'] : ['orphaned']);
      await queue.add('n', {});
      expect(await queue.getWaitingCount()).toBe(1);
    },
  );

  it('keeps ended jobs for an hour, and ten thousand at most, whatever their options say', async () => {
    const now = await nowMs();
    const finished = async (set: string, id: string, atMs: number): Promise<void> => {
      await fixture.redis.hset(`${PREFIX}${id}`, { name: 'n', data: '{}' });
      await fixture.redis.zadd(`${PREFIX}${set}`, atMs, id);
    };
    await finished('completed', 'old', now - 3_700_000);
    await finished('completed', 'young', now - 3_500_000);
    await finished('failed', 'future', now + 1e12);
    await finished('failed', 'now', now);
    expect(await watch.bound(INGRESS)).toBe(2);
    expect(await fixture.redis.exists(`${PREFIX}old`, `${PREFIX}future`)).toBe(0);
    expect(await fixture.redis.exists(`${PREFIX}young`, `${PREFIX}now`)).toBe(2);

    const many = fixture.redis.pipeline();
    for (let i = 0; i < 10_300; i += 1) many.zadd(`${PREFIX}completed`, now - i, `many-${i}`);
    await many.exec();
    await watch.bound(INGRESS);
    expect(await queue.getCompletedCount()).toBe(10_000);
    expect(await fixture.redis.exists(`${PREFIX}young`)).toBe(0);
  });

  it('leaves a job in its queue that has changed since it was checked', async () => {
    await plant('1', { data: '{"longer":true}' });
    const place = { prefix: PREFIX, id: Buffer.from('1'), dataBytes: 2 };
    expect(await quarantine.seize(JOB, place)).toBeNull();
    expect(await all()).toEqual([]);
    expect(await quarantine.seize(JOB, { ...place, dataBytes: 15 })).not.toBeNull();
    expect(await quarantine.seize(JOB, { ...place, dataBytes: -1 })).toBeNull();
    expect(await all()).toHaveLength(1);
  });

  it('checks a job again after it was taken up again', async () => {
    await plant('1');
    expect(await sweep()).toEqual([]);
    await fixture.redis.hset(`${PREFIX}1`, 'data', '{');
    expect(await sweep()).toEqual([]);
    await fixture.redis.hincrby(`${PREFIX}1`, 'stc', 1);
    expect(await sweep()).toEqual(['not_json']);
    await pollUntil('the job to be gone', { timeoutMs: 1_000, everyMs: 10 }, async () =>
      (await fixture.redis.exists(`${PREFIX}1`)) === 0 ? true : undefined,
    );
  });
});
