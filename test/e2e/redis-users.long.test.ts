import { join } from 'node:path';
import { commandOptions } from '../../src/redis/connection';
import { Redis } from 'ioredis';
import { INGRESS_RULES } from '../../src/redis/ingress-acl';
import { PROCESS_USERS, processRules, type ProcessUser } from '../../src/redis/process-acl';
import { makeEveryCall } from '../support/every-call';
import { readRedisAccess } from '../../src/supervisor/redis-access';
import { freePort } from '../support/free-port';
import { Installation } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { startRedis, type TestRedis } from '../support/redis';
import { makeTempDir, type TempDir } from '../support/temp-dir';

/* API and worker machine on one Redis, each with a user of least rights. */

const PASSWORD = 'password-of-the-test';

let redis: TestRedis;
let port: number;
let storage: TempDir;

const urlOf = (user: ProcessUser | 'ingress'): string => `redis://${user}:${PASSWORD}@127.0.0.1:${port}`;

beforeAll(async () => {
  port = await freePort();
  redis = await startRedis({ args: ['--port', String(port), '--bind', '127.0.0.1'] });
  const users = [
    ...PROCESS_USERS.map(user => [user, processRules(user)] as const),
    ['ingress', INGRESS_RULES] as const,
  ];
  for (const [user, rules] of users)
    await redis.cli('ACL', 'SETUSER', user, 'reset', 'on', `>${PASSWORD}`, ...rules);
  storage = await makeTempDir();
});
afterAll(async () => {
  await redis.stop();
  await storage.remove();
});

/** What a Redis has refused, as `user command object`. */
async function refused(path = redis.socketPath, password = ''): Promise<string[]> {
  const admin = new Redis({ path, password });
  try {
    // SAFETY: the log is a list of entries, each a list of names and values.
    const entries = (await admin.call('ACL', 'LOG', '128')) as string[][];
    return entries.map(entry => {
      const of = (name: string): string => entry[entry.indexOf(name) + 1] ?? '';
      return `${of('username')} ${of('reason')} ${of('context')} ${of('object')}`;
    });
  } finally {
    admin.disconnect();
  }
}

async function answer(user: ProcessUser, command: string): Promise<string> {
  const client = new Redis({ ...commandOptions(urlOf(user)), enableOfflineQueue: true });
  try {
    const [name = '', ...args] = command.split(' ');
    return await client.call(name, ...args).then(String, (error: unknown) => String(error));
  } finally {
    client.disconnect();
  }
}

it('serves every kind of call, and Redis refuses nothing', async () => {
  const env = { HOLDFAST_STORAGE: storage.path, HOLDFAST_RETENTION: '15000' };
  const [api, worker] = await Promise.all([
    Installation.start({ mode: 'api', env: { ...env, REDIS_URL: urlOf('api') } }),
    Installation.start({ mode: 'worker', browser: 'shell', env: { ...env, REDIS_URL: urlOf('worker') } }),
  ]);
  try {
    await makeEveryCall({ api, ingressUrl: urlOf('ingress') }).catch(async (error: unknown) => {
      throw new Error(`Redis has refused ${JSON.stringify(await refused())}`, { cause: error });
    });
    // The next one adopts; then the machine is lost while a session lives, and the rows of the first ones are
    // forgotten.
    const adopted = await api.create();
    const before = await worker.signal('worker', 'SIGKILL');
    await worker.replaced('worker', before);
    await api.call('POST', `/v1/sessions/${adopted.id}/release`);
    const { id } = await api.create();
    await worker.signal('supervisor', 'SIGSTOP');
    await worker.signal('worker', 'SIGSTOP');
    await api.until(id, ({ status }) => status === 'failed', 30_000);
    await worker.signal('worker', 'SIGCONT');
    await worker.signal('supervisor', 'SIGCONT');
    expect(await refused()).toEqual([]);
  } finally {
    await worker.stop();
    await api.stop();
  }
  expect(await refused()).toEqual([]);
}, 200_000);

it('the embedded Redis has the same users, and refuses nothing either', async () => {
  const installation = await Installation.start({
    browser: 'shell',
    env: {
      HOLDFAST_STORAGE: storage.path,
      HOLDFAST_RETENTION: '15000',
      HOLDFAST_REDIS_PORT: String(await freePort()),
    },
  });
  try {
    const { redisSocketPath: path, redisPassword: password, dir } = installation;
    const ingressUrl = (await readRedisAccess(join(dir.path, 'redis')))?.ingressUrl ?? '';
    await makeEveryCall({ api: installation, ingressUrl }).catch(async (error: unknown) => {
      throw new Error(`Redis has refused ${JSON.stringify(await refused(path, password))}`, {
        cause: error,
      });
    });
    // With the worker away its supervisor extends the lease.
    const { id } = await installation.create();
    await installation.replaced('worker', await installation.signal('worker', 'SIGKILL'));
    await installation.replaced('redis', await installation.signal('redis', 'SIGKILL'));
    await pollUntil('the session', { timeoutMs: 10_000, everyMs: 50 }, async () =>
      (await installation.call('GET', `/v1/sessions/${id}`)).status === 200 ? true : undefined,
    );
    expect(await refused(path, password)).toEqual([]);
  } finally {
    await installation.stop();
  }
}, 200_000);

const FORBIDDEN = [
  ...['KEYS *', 'SCAN 0', 'RANDOMKEY', 'FLUSHALL', 'FLUSHDB', 'CONFIG GET dir', 'SHUTDOWN NOSAVE'],
  ...['SCRIPT FLUSH', 'FUNCTION LIST', 'ACL LIST', 'CLIENT KILL ID 1', 'MONITOR', 'SLAVEOF NO ONE', 'SAVE'],
  ...[
    'GET other',
    'SET other 1',
    'PUBLISH a b',
    'MIGRATE h 1 k 0 1',
    'EVAL return(redis.call("get","other")) 0',
  ],
];

it.each(PROCESS_USERS.flatMap(user => FORBIDDEN.map(command => [user, command] as const)))(
  '%s may not %s',
  async (user, command) => {
    expect(await answer(user, command)).toMatch(/NOPERM|can't access/);
  },
);

it.each([
  'HSET {hf}:keys id key',
  'SET {hf}:keys:version 1',
  'XADD {hf}:audit * a b',
  'XREVRANGE {hf}:audit + -',
  'SET {hf}:idem:a:b 1',
  'HSET {hf}:cnames:a b c',
  'SET {hf-in}:other 1',
])('a worker may not %s', async command => {
  expect(await answer('worker', command)).toMatch(/NOPERM/);
});
