import { createLogger } from '../../src/core/logger';
import { blockingOptions, openCommandRedis, openRedis } from '../../src/redis/connection';
import { INGRESS_RULES, INGRESS_USER } from '../../src/redis/ingress-acl';
import { INGRESS_PREFIX, KEY_PREFIX, keys } from '../../src/redis/keys';
import { processRules } from '../../src/redis/process-acl';
import { checkRedisServer } from '../../src/redis/server-check';
import { freePort } from '../support/free-port';
import { pollUntil } from '../support/poll-until';
import { startRedis } from '../support/redis';
import { startRedisCluster, type RedisCluster } from '../support/redis-cluster';
import { testLog } from '../support/store-fixture';

/* Three nodes without replicas. */

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster({ replicas: false });
});
afterAll(() => cluster.stop());

const urlOf = (port: number | undefined, scheme = 'redis'): string => `${scheme}://127.0.0.1:${port}`;

test('commands without a key go to the node of the sessions, or to that of another key that is wanted', async () => {
  for (const home of [KEY_PREFIX, INGRESS_PREFIX]) {
    const redis = openRedis(blockingOptions(cluster.url), testLog, home);
    try {
      const { port } = await cluster.primaryOf(home);
      for (let times = 0; times < 5; times += 1)
        expect(await redis.info('server')).toContain(`tcp_port:${port}`);
    } finally {
      redis.disconnect();
    }
  }
});

test('a cluster is found by any node of it that answers', async () => {
  const url = `redis+cluster://127.0.0.1:${await freePort()},127.0.0.1:${cluster.servers[2]?.port}`;
  const redis = await openCommandRedis(url, testLog);
  try {
    expect(await redis.set(keys.none, 'found', 'PX', 1)).toBe('OK');
    expect(await redis.set(`${INGRESS_PREFIX}:x`, 'found', 'PX', 1)).toBe('OK');
  } finally {
    redis.disconnect();
  }
});

test('a slot that moves is followed, and a blocked read with it', async () => {
  const stream = `${KEY_PREFIX}:moving`;
  const [writer, reader] = [0, 1].map(() => openRedis(blockingOptions(cluster.url), testLog));
  try {
    await writer?.xadd(stream, '1-0', 'n', '1');
    const read = reader?.xread('BLOCK', 5_000, 'STREAMS', stream, '1-0');
    await cluster.moveSlot(KEY_PREFIX);
    await writer?.xadd(stream, '2-0', 'n', '2');
    expect(await read).toEqual([[stream, [['2-0', ['n', '2']]]]]);
  } finally {
    await writer?.del(stream);
    writer?.disconnect();
    reader?.disconnect();
  }
});

test('a node of a cluster at the address of one server is an error that names the right form', async () => {
  const url = urlOf(cluster.servers[0]?.port);
  const wanted = /REDIS_URL: it is a node of a cluster with several nodes; write redis\+cluster:/;
  await expect(openCommandRedis(url, testLog)).rejects.toThrow(wanted);
  await expect(checkRedisServer(url)).rejects.toThrow(wanted);
});

test('one server at the address of a cluster is an error that names the right form', async () => {
  const port = await freePort();
  const server = await startRedis({ args: ['--port', String(port), '--bind', '127.0.0.1'] });
  const url = urlOf(port, 'redis+cluster');
  const wanted = /REDIS_URL: it is no node of a cluster; write redis:/;
  try {
    await expect(openCommandRedis(url, testLog)).rejects.toThrow(wanted);
    await expect(checkRedisServer(url)).rejects.toThrow(wanted);
  } finally {
    await server.stop();
  }
});

test('the check of a cluster looks at the nodes in use, and says that they have no replicas', async () => {
  const { warnings } = await checkRedisServer(cluster.url);
  expect(warnings).toEqual(['a node of the cluster has no replica: if it is lost, so are the sessions']);
});

test('the check of a cluster of which no node answers fails', async () => {
  // ioredis keeps the reason to itself.
  const url = urlOf(await freePort(), 'redis+cluster');
  await expect(checkRedisServer(url)).rejects.toThrow('Connection is closed');
});

test('a client that cannot reach any node says so once, and stops when it is told to', async () => {
  const said: string[] = [];
  const log = createLogger('test', 'info', { write: line => void said.push(line) });
  const redis = openRedis(blockingOptions(urlOf(await freePort(), 'redis+cluster')), log);
  await pollUntil('a retry', { timeoutMs: 5_000, everyMs: 5 }, () =>
    redis.status === 'reconnecting' ? true : undefined,
  );
  await pollUntil('a line', { timeoutMs: 5_000, everyMs: 5 }, () => (said.length > 0 ? true : undefined));
  redis.disconnect();
  expect(said.filter(line => line.includes('redis connection failed'))).toHaveLength(1);
});

test.each([
  ['api', processRules('api'), `${KEY_PREFIX}:none`],
  ['worker', processRules('worker'), `${KEY_PREFIX}:none`],
  [INGRESS_USER, INGRESS_RULES, `${INGRESS_PREFIX}:ingress:none`],
] as const)('the user %s of every node may do what it takes to follow a slot', async (user, rules, key) => {
  for (const server of cluster.servers)
    await server.cli('acl', 'setuser', user, 'reset', 'on', '>hush', ...rules);
  const refused = async (): Promise<string[]> =>
    Promise.all(cluster.servers.map(server => server.cli('acl', 'log')));
  for (const server of cluster.servers) await server.cli('acl', 'log', 'reset');
  const url = cluster.url.replace('://', `://${user}:hush@`);
  const redis = openRedis(blockingOptions(url), testLog, key);
  try {
    expect(await redis.exists(key)).toBe(0);
    await cluster.moveSlot(key);
    expect(await redis.exists(key)).toBe(0);
    expect(await redis.info('server')).toContain(`tcp_port:${(await cluster.primaryOf(key)).port}`);
    expect((await refused()).join('')).toBe('');
  } finally {
    redis.disconnect();
  }
});
