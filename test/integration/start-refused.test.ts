import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { startApi } from '../../src/api/app';
import { createLogger } from '../../src/core/logger';
import { keys } from '../../src/redis/keys';
import { ScriptRunner } from '../../src/redis/script-runner';
import { LeaseStore } from '../../src/store/lease-store';
import { LeaseRenewal } from '../../workers/ownership/lease-renewal';
import { callApi, testConfig } from '../support/api';
import { freePort } from '../support/free-port';
import { startRedis, type TestRedis } from '../support/redis';
import { watchSlowdown } from '../support/slowdown';
import { makeTempDir } from '../support/temp-dir';
import { pollUntil } from '../support/poll-until';

/* A Redis that answers but refuses every write, while an API or worker process starts. */

interface Refusal {
  readonly name: string;
  readonly begin: (redis: TestRedis) => Promise<unknown>;
  readonly end: (redis: TestRedis) => Promise<unknown>;
}

const REFUSALS: readonly Refusal[] = [
  {
    name: 'because its memory is full (OOM)',
    begin: redis => redis.cli('config', 'set', 'maxmemory', '1'),
    end: redis => redis.cli('config', 'set', 'maxmemory', '0'),
  },
  {
    name: 'because its disk is full (MISCONF)',
    begin: async redis => {
      const nowhere = await makeTempDir();
      await redis.cli('config', 'set', 'dir', nowhere.path);
      await redis.cli('config', 'set', 'save', '3600 1');
      await rm(nowhere.path, { recursive: true });
      await redis.cli('bgsave');
      await pollUntil('a save to fail', { timeoutMs: 5_000, everyMs: 20 }, async () =>
        (await redis.cli('info', 'persistence')).includes('rdb_last_bgsave_status:err') ? true : undefined,
      );
    },
    end: redis => redis.cli('config', 'set', 'stop-writes-on-bgsave-error', 'no'),
  },
  {
    name: 'because it is a replica (READONLY)',
    begin: redis => redis.cli('replicaof', '127.0.0.1', '1'),
    end: redis => redis.cli('replicaof', 'no', 'one'),
  },
];

const said: string[] = [];
const log = createLogger('test', 'info', { write: line => void said.push(line) });
let redis: TestRedis;
beforeEach(async () => {
  said.length = 0;
  redis = await startRedis({ args: ['--enable-protected-configs', 'yes'] });
});
afterEach(() => redis.stop());

/* READONLY is left out: such a connection is dropped, because its server was demoted, so nothing can be read there. */
test.each(REFUSALS.filter(({ name }) => !name.includes('READONLY')))(
  'a Redis that was in use before, and refuses writes $name, is read by an API that starts',
  async ({ begin, end }) => {
    await (await startApi(testConfig(), redis.url, log)).close();
    await begin(redis);
    const api = await startApi(testConfig(), redis.url, log);
    try {
      expect(await callApi(api.url, 'GET', '/v1/sessions', {})).toMatchObject({ status: 200 });
      const create = (): ReturnType<typeof callApi> =>
        callApi(api.url, 'POST', '/v1/sessions', { headers: { prefer: 'respond-async' } });
      expect(await create()).toMatchObject({ status: 503, body: { code: 'redis_unavailable' } });
      await end(redis);
      const [endedMs, slowdown] = [performance.now(), watchSlowdown()];
      await pollUntil('a create', { timeoutMs: 5_000, everyMs: 10 }, async () =>
        (await create()).status === 202 ? true : undefined,
      );
      expect(performance.now() - endedMs).toBeLessThan(1_000 * slowdown());
    } finally {
      await api.close();
    }
  },
);

describe.each(REFUSALS)('a Redis that refuses writes $name', ({ begin, end }) => {
  test('makes a starting API answer 503 with a code, and the API serves within a second afterwards', async () => {
    await begin(redis);
    const port = await freePort();
    const starting = startApi(testConfig({ port }), redis.url, log);
    try {
      const list = (): ReturnType<typeof callApi> =>
        callApi(`http://127.0.0.1:${port}`, 'GET', '/v1/sessions', {});
      const first = await pollUntil('an answer', { timeoutMs: 5_000, everyMs: 20 }, () =>
        list().catch(() => undefined),
      );
      expect(first).toMatchObject({ status: 503, body: { code: 'redis_unavailable', retryable: true } });
      await pollUntil('the start to wait', { timeoutMs: 5_000, everyMs: 20 }, () =>
        said.some(line => line.includes('the start waits')) ? true : undefined,
      );
      await end(redis);
      const [endedMs, slowdown] = [performance.now(), watchSlowdown()];
      await pollUntil('service', { timeoutMs: 5_000, everyMs: 10 }, async () =>
        (await list()).status === 200 ? true : undefined,
      );
      expect(performance.now() - endedMs).toBeLessThan(1_000 * slowdown());
      expect(said.filter(line => line.includes('the start waits'))).toHaveLength(1);
    } finally {
      await (await starting).close();
    }
  });

  test('does not keep a worker from taking its lease afterwards', async () => {
    const client = new Redis(redis.socketPath, { reconnectOnError: null });
    const workerId = randomUUID();
    const leases = new LeaseStore(client, new ScriptRunner(client));
    const info = { hostname: 'here', slots: 1, used: 0, draining: false };
    const lease = new LeaseRenewal(
      leases,
      workerId,
      () => info,
      () => undefined,
      log,
    );
    await begin(redis);
    const taken = lease.start();
    taken.catch(() => undefined);
    try {
      await expect(leases.renew(workerId, info)).rejects.toThrow(/OOM|MISCONF|READONLY/);
      await lease.renewNow();
      await end(redis);
      await taken;
      expect(await client.zscore(keys.leases, workerId)).not.toBeNull();
    } finally {
      await lease.stop();
      client.disconnect();
    }
  });
});
