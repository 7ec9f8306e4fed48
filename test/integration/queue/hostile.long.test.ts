import fc from 'fast-check';
import { QUARANTINE_REASONS } from '../../../src/core/quarantine';
import { INGRESS_PREFIX } from '../../../src/redis/keys';
import { startTestApi, type TestApi } from '../../support/api';
import { TestProducer } from '../../support/ingress';
import { watchSlowdown } from '../../support/slowdown';
import { pollUntil } from '../../support/poll-until';

const PREFIX = `${INGRESS_PREFIX}:ingress:`;

/** The number of hostile jobs, and how many of them are added at a time. */
const HOSTILE = 3_000;
const WAVE = 150;

/** A valid job may wait this long, in milliseconds. Without the hostile jobs it takes about 20. */
const LONGEST_MS = 2_500;

const NAMES = [
  'session.create',
  'session.extend',
  'session.release',
  'session.run',
  '__proto__',
  '',
  'toString',
];
const IDS = [
  '-1',
  '0',
  '99999999999999999999',
  '__proto__',
  'constructor',
  'wait',
  'meta',
  '\u001b[2J\n',
  '‮',
  'é',
];

const OWN_KEYS: ReadonlySet<string> = new Set(['wait', 'meta']);

/** The hash of a job, as a client with the password can write it. */
const rawJob = fc.record(
  {
    id: fc.oneof(
      fc.constantFrom(...IDS).map(id => Buffer.from(id)),
      fc.integer().map(id => Buffer.from(String(id))),
      fc.uint8Array({ minLength: 1, maxLength: 20 }).map(bytes => Buffer.from(bytes)),
      fc.uuid().map(id => Buffer.from(id)),
    ),
    name: fc.oneof(fc.constantFrom(undefined, ...NAMES), fc.string()),
    data: fc.oneof(
      fc.json(),
      fc.string(),
      fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
      fc.constantFrom(
        '{"v":1,"__proto__":{"sessionId":"x"}}',
        '{"v":1,"constructor":{"prototype":{"tenant":"other"}}}',
        '{"v":1,"timeout":1e308,"labels":{"\\u0000":"\\ud800"}}',
        `{"v":1,"name":"${'x'.repeat(300_000)}"}`,
        `${'['.repeat(40_000)}${']'.repeat(40_000)}`,
        '{"v":1,"sessionId":"../../etc/passwd"}',
        '{"v":1,"steps":[{"do":"evaluate","code":"process.exit(1)"}]}',
        '{"v":NaN}',
      ),
    ),
    opts: fc.oneof(
      fc.json(),
      fc.constantFrom(
        '{"attempts":1000000,"backoff":{"type":"fixed","delay":1}}',
        '{"removeOnComplete":false,"removeOnFail":{"age":1e12},"keepLogs":1e9}',
        '{"repeat":{"every":1,"limit":1e9},"parent":{"id":"x","queue":"{hf}:sessions"}}',
        '{"delay":-5,"priority":-1,"lifo":"yes","stackTraceLimit":-1}',
        'null',
        '{',
      ),
    ),
    parent: fc.constantFrom(undefined, '{"id":"default/x","queueKey":"{hf}:s","fpof":true}', '{'),
    parentKey: fc.constantFrom(undefined, '{hf}:s:default/x'),
    defa: fc.constantFrom(undefined, 'failed before it began'),
    rjk: fc.constantFrom(undefined, 'each', 'a:b:c:d:e'),
    ats: fc.constantFrom('0', '-1', '1e9'),
    timestamp: fc.constantFrom('1', '-1', 'NaN', '1e400'),
  },
  { noNullPrototype: true },
);

/**
 * A job whose id names a key of the queue can replace that key by a hash. Then no job can be added until the repair.
 */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  return pollUntil('the queue to be put right', { timeoutMs: 3_000, everyMs: 10 }, async () => {
    try {
      return { done: await work() };
    } catch (error) {
      if (error instanceof Error && error.message.includes('WRONGTYPE')) return undefined;
      throw error;
    }
  }).then(({ done }) => done);
}

async function plant(
  api: TestApi,
  job: typeof rawJob extends fc.Arbitrary<infer T> ? T : never,
): Promise<void> {
  const { id, ...fields } = job;
  const written = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value],
  );
  const { redis } = api.deps;
  // Two of the ids name keys of the queue. A hash in their place would stop all producers until the repair.
  if (!OWN_KEYS.has(id.toString())) await redis.hset(Buffer.concat([Buffer.from(PREFIX), id]), ...written);
  await redis.lpush(`${PREFIX}wait`, id);
  await redis.zadd(`${PREFIX}marker`, 0, '0');
}

describe('thousands of hostile jobs', () => {
  let api: TestApi;
  let producer: TestProducer;
  beforeAll(async () => {
    api = await startTestApi();
    producer = await TestProducer.open(api.redis);
  });
  afterAll(async () => {
    await producer.close();
    await api.stop();
  });

  it('delay valid jobs only briefly, crash no process, and leave only entries in the quarantine', async () => {
    const before = (await api.call('GET', '/v1/sessions?limit=1')).status;
    expect(before).toBe(200);
    const jobs = fc.sample(rawJob, { numRuns: HOSTILE, seed: 4 });
    const waits = { queue: [] as number[], api: [] as number[] };
    const timed = async (into: number[], work: Promise<unknown>): Promise<void> => {
      const startedMs = performance.now();
      await work;
      into.push(performance.now() - startedMs);
    };
    const slowdown = watchSlowdown();
    // Ids from BullMQ's counter can collide with integers that another client chose, so the valid jobs have their own
    // ids.
    for (let from = 0; from < jobs.length; from += WAVE) {
      await Promise.all(jobs.slice(from, from + WAVE).map(job => patiently(() => plant(api, job))));
      await Promise.all([
        timed(
          waits.queue,
          patiently(() => producer.run('session.create', { timeout: 60_000 }, { jobId: `well-${from}` })),
        ),
        timed(waits.api, api.createLive()),
      ]);
    }
    const longestMs = LONGEST_MS * slowdown();
    expect(Math.max(...waits.queue)).toBeLessThan(longestMs);
    expect(Math.max(...waits.api)).toBeLessThan(longestMs);

    await pollUntil('the queue to be empty', { timeoutMs: 20_000, everyMs: 100 }, async () => {
      const counts = await producer.queue.getJobCounts('waiting', 'active', 'delayed', 'waiting-children');
      return Object.values(counts).every(count => count === 0) ? true : undefined;
    });
    const { entries } = await api.deps.quarantine.page({ isWanted: () => true, cursor: null, limit: 1_000 });
    expect(entries.length).toBeGreaterThan(100);
    for (const { reason } of entries) expect(QUARANTINE_REASONS).toContain(reason);
    const failed = await producer.queue.getFailed(0, 10_000);
    for (const job of failed) expect(job.failedReason).toMatch(/^[a-z_]+: ./);
    expect(await api.deps.redis.exists('{hf}:s:default/x')).toBe(0);
    expect((await api.call('GET', '/livez')).status).toBe(200);
  });

  it('are kept in the quarantine even without a name', async () => {
    await api.deps.redis.hset(`${PREFIX}nameless`, { data: '{"v":1}', opts: '{}', timestamp: '1' });
    await api.deps.redis.lpush(`${PREFIX}wait`, 'nameless');
    await api.deps.redis.zadd(`${PREFIX}marker`, 0, '0');
    const kept = await pollUntil('it to be kept', { timeoutMs: 5_000, everyMs: 20 }, async () => {
      const { entries } = await api.deps.quarantine.page({ isWanted: () => true, cursor: null, limit: 10 });
      return entries.find(({ jobId }) => jobId === 'nameless');
    });
    expect(kept).toMatchObject({ queue: 'ingress', name: '', reason: 'unknown_name' });
    expect(await api.deps.redis.hget(`${PREFIX}nameless`, 'failedReason')).toMatch(/^invalid_request: /);
  });
});
