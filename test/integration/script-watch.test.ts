import { Redis } from 'ioredis';
import { blockingOptions } from '../../src/redis/connection';
import { INGRESS_RULES, INGRESS_USER } from '../../src/redis/ingress-acl';
import { startTestApi, type TestApi } from '../support/api';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

/* A producer has the right to run scripts, and an endless script stops every other client of Redis. */

const ENDLESS = 'while true do end';

describe('a script of a producer that does not end', () => {
  let api: TestApi;
  let producer: Redis;

  beforeEach(async () => {
    // The same setting as in the embedded Redis.
    api = await startTestApi({}, { args: ['--lua-time-limit', '1000'] });
    await api.redis.cli('ACL', 'SETUSER', INGRESS_USER, 'reset', 'on', '>hush', ...INGRESS_RULES);
    const url = api.redis.url.replace('unix://', `unix://${INGRESS_USER}:hush@localhost`);
    producer = new Redis({ ...blockingOptions(url), retryStrategy: () => null });
    producer.on('error', () => undefined);
    await producer.ping();
  });
  afterEach(async () => {
    producer.disconnect();
    await api.stop();
  });

  it('is killed, and the service goes on', async () => {
    const startedMs = performance.now();
    await expect(producer.eval(ENDLESS, 0)).rejects.toThrow(/killed/);
    expect(performance.now() - startedMs).toBeLessThan(scaled(3_000));
    await pollUntil('a session', { timeoutMs: 5_000, everyMs: 20 }, async () =>
      (await api.call('POST', '/v1/sessions')).status === 201 ? true : undefined,
    );
  });

  it('is killed each time', async () => {
    for (let i = 0; i < 3; i += 1) await expect(producer.eval(ENDLESS, 0)).rejects.toThrow(/killed/);
    expect((await api.call('GET', '/livez')).status).toBe(200);
  });
});
