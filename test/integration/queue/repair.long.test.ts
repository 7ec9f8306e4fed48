import { Queue, Worker } from 'bullmq';
import { systemClock } from '../../../src/core/clock';
import { QUEUE_PLACES } from '../../../src/queue/queues';
import { blockingOptions } from '../../../src/redis/connection';
import { QuarantineStore } from '../../../src/store/quarantine-store';
import { QueueWatch, type WatchedQueue } from '../../../src/store/queue-watch';
import { startTestApi, type TestApi } from '../../support/api';
import { StoreFixture } from '../../support/store-fixture';
import { pollUntil } from '../../support/poll-until';
import { scaled } from '../../support/slowdown';

/* A queue that an operator, or a program with the wrong Redis URL, has damaged is repaired. */

type Damage = readonly [what: string, harm: (queue: Queue, prefix: string) => Promise<unknown>];

describe.each(QUEUE_PLACES)('the queue $queue', watched => {
  let fixture: StoreFixture;
  let queue: Queue;
  let worker: Worker;
  beforeAll(async () => {
    fixture = await StoreFixture.open();
    const at = {
      connection: blockingOptions(fixture.server.url),
      prefix: watched.prefix.split(':')[0] ?? '',
    };
    queue = new Queue(watched.queue, at);
    worker = new Worker(watched.queue, undefined, { ...at, autorun: false });
    await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
  });
  afterAll(async () => {
    await Promise.all([queue.close(), worker.close()]);
    await fixture.close();
  });
  beforeEach(() => fixture.redis.flushall());

  const sweep = async (place: WatchedQueue): Promise<void> => {
    const quarantine = new QuarantineStore(fixture.redis, fixture.scripts, systemClock);
    const watch = new QueueWatch(fixture.redis, fixture.scripts, quarantine);
    await watch.quarantineAll(place, await fixture.maintenance.nowMs());
  };

  const otherType = (name: string): Damage => [
    `after its key ${name} became something else`,
    async (_queue, prefix) => {
      await fixture.redis.del(`${prefix}${name}`);
      await (name === 'wait' || name === 'active'
        ? fixture.redis.set(`${prefix}${name}`, 'x')
        : fixture.redis.lpush(`${prefix}${name}`, 'x'));
    },
  ];

  it.each<Damage>([
    ['after it was paused', given => given.pause()],
    ['after its rate was limited', given => given.setGlobalRateLimit(1, 3_600_000)],
    ['after its concurrency was limited', given => given.setGlobalConcurrency(1)],
    [
      'after its counters counted no more',
      async (_queue, prefix) => {
        await fixture.redis.mset(`${prefix}id`, 'x', `${prefix}pc`, 'y');
      },
    ],
    ...[
      ...['wait', 'active', 'delayed', 'prioritized', 'waiting-children', 'completed', 'failed'],
      ...['meta', 'events', 'marker', 'stalled', 'stalled-check', 'id', 'pc', 'limiter', 'repeat'],
    ].map(otherType),
  ])('serves again %s', async (what, harm) => {
    await harm(queue, watched.prefix);
    if (what.includes('concurrency')) await fixture.redis.lpush(`${watched.prefix}active`, 'stuck');
    await sweep(watched);
    await queue.add('n', {}, { priority: 1 });
    await queue.add('n', {}, { delay: 1 });
    const ids = [(await queue.add('n', {})).id, (await queue.add('n', {})).id];
    for (const id of ids) {
      const job = await worker.getNextJob('t', { block: false });
      expect(job).toMatchObject({ id });
      await job?.extendLock('t', 1_000);
      await job?.moveToCompleted({}, 't', false);
      expect(await job?.isCompleted()).toBe(true);
    }
  });
});

describe('a session that waits for a worker', () => {
  let api: TestApi;
  let startedMs: number;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.stop());

  const PREFIX = '{hf}:launch:';
  const jobId = (session: string): string => `default/${session}.launch.1`;
  const hash = async (session: string, data: unknown): Promise<void> => {
    const fields = {
      name: 'launch',
      data: JSON.stringify(data),
      opts: '{}',
      timestamp: 1,
      delay: 0,
      priority: 0,
    };
    await api.deps.redis.hset(`${PREFIX}${jobId(session)}`, fields);
  };
  const launch = (session: string): unknown => ({ v: 1, ref: `default/${session}`, attempt: 1 });
  const farAway = (Date.now() + 86_400_000) * 4_096;

  const DAMAGES: readonly (readonly [session: string, what: string, harm: () => Promise<unknown>])[] = [
    ['lost', 'is there, but in no list', () => hash('lost', launch('lost'))],
    [
      'junk',
      'is a foreign job',
      async () => {
        await hash('junk', { junk: true });
        await api.deps.redis.lpush(`${PREFIX}wait`, jobId('junk'));
      },
    ],
    [
      'ended',
      'has ended and was kept',
      async () => {
        await hash('ended', launch('ended'));
        await api.deps.redis.zadd(`${PREFIX}completed`, Date.now(), jobId('ended'));
      },
    ],
    [
      'failed',
      'is a foreign job that has failed',
      async () => {
        await hash('failed', { junk: true });
        await api.deps.redis.zadd(`${PREFIX}failed`, Date.now(), jobId('failed'));
      },
    ],
    [
      'late',
      'is planned for tomorrow',
      async () => {
        await hash('late', launch('late'));
        await api.deps.redis.hset(`${PREFIX}${jobId('late')}`, 'delay', 86_400_000);
        await api.deps.redis.zadd(`${PREFIX}delayed`, farAway, jobId('late'));
      },
    ],
    [
      'parent',
      'waits for children',
      async () => {
        await hash('parent', launch('parent'));
        await api.deps.redis.zadd(`${PREFIX}waiting-children`, Date.now(), jobId('parent'));
      },
    ],
    ['text', 'is not a job', () => api.deps.redis.set(`${PREFIX}${jobId('text')}`, 'x')],
  ];

  beforeAll(async () => {
    for (const [, , harm] of DAMAGES) await harm();
    startedMs = performance.now();
    await Promise.all(
      DAMAGES.map(async ([sessionId]) => {
        const headers = { prefer: 'respond-async' };
        const { status } = await api.call('POST', '/v1/sessions', { body: { sessionId }, headers });
        expect(status).toBe(202);
      }),
    );
  });

  it.each(DAMAGES)('%s: is launched although the key of its launch job %s', async session => {
    const leftMs = Math.max(1_000, 15_000 - (performance.now() - startedMs));
    await pollUntil('the session to be live', { timeoutMs: leftMs, everyMs: 20 }, async () =>
      (await api.call('GET', `/v1/sessions/${session}`)).body['status'] === 'live' ? true : undefined,
    );
    const released = await api.call('POST', `/v1/sessions/${session}/release`);
    expect(released).toMatchObject({ status: 200, body: { status: 'released' } });
  });
});

describe('a session whose timer id belongs to a foreign job', () => {
  it('still ends in time', async () => {
    const api = await startTestApi();
    try {
      const { id, expiresAt } = await api.createLive({ timeout: 2_000 });
      const timer = `{hf}:timers:default/${id}.session.${Date.parse(expiresAt ?? '')}`;
      await pollUntil('its timer', { timeoutMs: 1_000, everyMs: 5 }, async () =>
        (await api.deps.redis.hset(timer, 'data', '{"junk":true}')) === 0 ? true : undefined,
      );
      const ended = await pollUntil('its end', { timeoutMs: 5_000, everyMs: 20 }, async () => {
        const { body } = await api.call('GET', `/v1/sessions/${id}`);
        return body['endedAt'] === null ? undefined : body;
      });
      expect(ended).toMatchObject({ status: 'timed_out', endReason: 'session_timeout' });
      const lateMs = Date.parse(String(ended['endedAt'])) - Date.parse(expiresAt ?? '');
      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThanOrEqual(scaled(1_000));
    } finally {
      await api.stop();
    }
  });
});
