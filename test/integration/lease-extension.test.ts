import { Redis } from 'ioredis';
import { systemClock } from '../../src/core/clock';
import { createLogger } from '../../src/core/logger';
import { keys } from '../../src/redis/keys';
import { ScriptRunner } from '../../src/redis/script-runner';
import { LeaseStore } from '../../src/store/lease-store';
import { LeaseExtension } from '../../src/supervisor/lease-extension';
import { startRedis, type TestRedis } from '../support/redis';
import { pollUntil } from '../support/poll-until';

const WORKER = 'w-1';
const INFO = { hostname: 'here', slots: 1, used: 1, draining: false };

let server: TestRedis;
let redis: Redis;
let leases: LeaseStore;
let extension: LeaseExtension;
let forwardMs: number;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.socketPath);
  leases = new LeaseStore(redis, new ScriptRunner(redis));
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
  forwardMs = 0;
  extension = new LeaseExtension({
    redisUrl: server.url,
    workerId: () => WORKER,
    clock: { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + forwardMs },
    log: createLogger('test', 'silent'),
  });
});
afterEach(() => extension.end());

const expiresMs = async (): Promise<number> => Number(await redis.zscore(keys.leases, WORKER));

/** Waits until the lease ends later than it did. */
const untilExtended = async (): Promise<number> => {
  const beforeMs = await expiresMs();
  return pollUntil('an extension', { timeoutMs: 5_000, everyMs: 20 }, async () => {
    const nowMs = await expiresMs();
    return nowMs > beforeMs ? nowMs : undefined;
  });
};

/** Waits until this test is the only client. */
const untilDisconnected = (): Promise<true> =>
  pollUntil('the connection to be closed', { timeoutMs: 5_000, everyMs: 20 }, async () =>
    String(await redis.client('LIST'))
      .trim()
      .split('\n').length === 1
      ? true
      : undefined,
  );

test('the lease of a machine without a worker is extended until there is one', async () => {
  await leases.renew(WORKER, INFO);
  extension.begin();
  // A worker that ends again and again counts as missing.
  extension.begin();
  await untilExtended();
  const lastMs = await untilExtended();
  await extension.end();
  await untilDisconnected();
  expect(await expiresMs()).toBe(lastMs);
});

test('the lease of a machine without a worker lapses after a minute', async () => {
  await leases.renew(WORKER, INFO);
  extension.begin();
  await untilExtended();
  forwardMs = 60_000;
  await untilDisconnected();
});

test('a lease that was given up is not made again', async () => {
  await leases.renew(WORKER, INFO);
  await leases.drop(WORKER);
  expect(await leases.extend(WORKER)).toBe(false);
  expect(await redis.exists(keys.leases)).toBe(0);
});
