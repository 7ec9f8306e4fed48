import { Redis } from 'ioredis';
import { systemClock } from '../../../src/core/clock';
import { refOf } from '../../../src/core/ids';
import { createLogger } from '../../../src/core/logger';
import { IngressConsumer } from '../../../workers/consumers/ingress';
import { IngressKeys } from '../../../src/queue/ingress-keys';
import { Producer } from '../../../src/queue/producer';
import { blockingOptions, commandOptions, openRedis } from '../../../src/redis/connection';
import { TestProducer } from '../../support/ingress';
import { startRedis, type TestRedis } from '../../support/redis';
import { RedisProxy } from '../../support/redis-proxy';
import { pollUntil } from '../../support/poll-until';

const JOBS = 120;
const CUTS = 3;
const SLOW_MS = 900;

/** The connections that are slow to return. Two of them fetch jobs: one that blocks and one that does not. */
const SLOW = ['none', 'commands', 'fetching', 'one of those that fetch', 'the other one'] as const;

describe('jobs are accepted in their order', () => {
  let server: TestRedis;
  let producer: TestProducer;
  beforeAll(async () => {
    server = await startRedis();
    producer = await TestProducer.open(server);
  });
  afterAll(async () => {
    await producer.close();
    await server.stop();
  });

  it.each(SLOW)('while all connections break, and %s are slow to return', async slow => {
    await server.cli('FLUSHALL');
    const commands = await RedisProxy.start(server.socketPath);
    const fetching = await RedisProxy.start(server.socketPath);
    const redis = new Redis(commandOptions(commands.url));
    redis.on('error', () => undefined);
    const log = createLogger('test', 'silent');
    const ours = new Producer(redis, log);
    await ours.ready();
    const accepted: string[] = [];
    const connection = openRedis(blockingOptions(fetching.url), log);
    const consumer = new IngressConsumer({
      connection,
      keys: new IngressKeys(redis),
      jobs: ours.acceptedJobsOn(connection),
      accept: async ({ name }) => {
        // As for a commit: an operation without an answer may have been done.
        await redis.ping();
        if (!accepted.includes(name)) accepted.push(name);
        return { ref: refOf('default', name) };
      },
      underWay: () => 0,
      onEndless: () => Promise.resolve(),
      onEnded: () => Promise.resolve(),
      onUnreadable: () => Promise.resolve(),
      report: { jobHandled: () => undefined, jobStalled: () => undefined },
      clock: systemClock,
      log,
    });
    const until = (count: number): Promise<true> =>
      pollUntil(`${count} jobs`, { timeoutMs: 15_000, everyMs: 1 }, () =>
        accepted.length >= count ? true : undefined,
      );
    const names = Array.from({ length: JOBS }, (_, index) => `n-${index}`);
    try {
      await producer.queue.addBulk(names.map(name => ({ name, data: {} })));
      await consumer.start();
      let returned = 0;
      if (slow === 'commands') commands.returnAfter(() => SLOW_MS);
      if (slow === 'fetching') fetching.returnAfter(() => SLOW_MS);
      const turn = SLOW.indexOf(slow);
      if (turn >= 3) fetching.returnAfter(() => (returned++ % 2 === turn - 3 ? SLOW_MS : 0));
      for (let cut = 1; cut <= CUTS; cut += 1) {
        await until((cut * JOBS) / (CUTS + 1));
        commands.cut();
        fetching.cut();
      }
      await until(JOBS);
    } finally {
      await consumer.close();
      await ours.close();
      redis.disconnect();
      connection.disconnect();
      await Promise.all([commands.stop(), fetching.stop()]);
    }
    expect(accepted).toEqual(names);
  });
});
