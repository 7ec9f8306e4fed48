import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { messageOf } from '../../src/core/errors';
import { systemProcesses } from '../../src/core/process-identity';
import { blockingOptions, commandOptions } from '../../src/redis/connection';
import { INGRESS_PREFIX } from '../../src/redis/keys';
import { readRedisAccess, type RedisAccess } from '../../src/supervisor/redis-access';
import { freePort } from '../support/free-port';
import { Stage } from '../support/supervisor/harness';

const INGRESS = { prefix: INGRESS_PREFIX };

let stage: Stage;
let port: number;

async function setUp(): Promise<void> {
  stage = await Stage.make();
  port = await freePort();
}

const redisDir = (): string => join(stage.dataDir, 'redis');

/** The URL of the user with all rights. */
async function ourUrl(): Promise<string> {
  const access = await readRedisAccess(redisDir());
  return `unix://default:${access?.passwords.default ?? ''}@localhost${join(redisDir(), 'redis.sock')}`;
}

async function opened(): Promise<RedisAccess & { readonly ingressUrl: string }> {
  const access = await readRedisAccess(redisDir());
  if (access === null || access.ingressUrl === null) throw new Error('the Redis is not opened');
  return { ...access, ingressUrl: access.ingressUrl };
}

async function start(
  env: NodeJS.ProcessEnv = { HOLDFAST_REDIS_PORT: String(port) },
): Promise<() => Promise<unknown>> {
  const supervisor = stage.run('start', { REDIS_URL: '', ...env });
  await supervisor.until();
  return async () => {
    supervisor.kill('SIGTERM');
    return supervisor.ended();
  };
}

async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ ...commandOptions(url), enableOfflineQueue: true, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** The first word of the answer to a client without a password. */
async function ask(command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1', () => void socket.write(`${command}\r\n`));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString().split(' ', 1)[0] ?? '';
}

/** The error in the answer to a command; null if it was carried out. */
async function refusal(redis: Redis, command: string, ...args: string[]): Promise<string | null> {
  return redis.call(command, ...args).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

const serverPid = (url: string): Promise<number> =>
  withRedis(url, async redis => Number(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1]));

describe('a Redis that is opened to other services', () => {
  beforeAll(async () => {
    await setUp();
    await start();
  });
  afterAll(() => stage.dispose());

  it('refuses every command on TCP without a password', async () => {
    const commands = ['PING', 'INFO', 'GET x', 'CONFIG GET *', 'FLUSHALL', 'SHUTDOWN', 'EVAL 1 0', 'HELLO 3'];
    for (const command of commands) expect([command, await ask(command)]).toEqual([command, '-NOAUTH']);
    for (const command of ['AUTH ingress guessed', 'AUTH guessed', 'AUTH default ""']) {
      expect([command, await ask(command)]).toEqual([command, '-WRONGPASS']);
    }
  });

  it('listens on loopback only, and only the service’s user can read its passwords', async () => {
    const { ingressUrl, passwords } = await opened();
    await withRedis(await ourUrl(), async redis =>
      expect(await redis.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']),
    );
    for (const file of ['access.json', 'users.acl']) {
      expect((await stat(join(redisDir(), file))).mode & 0o777).toBe(0o600);
    }
    const acl = await readFile(join(redisDir(), 'users.acl'), 'utf8');
    const secrets = [...Object.values(passwords), new URL(ingressUrl).password];
    for (const secret of secrets) expect(acl).not.toContain(secret);
    const commandLines = (await systemProcesses.list()).map(({ commandLine }) => commandLine).join('\n');
    for (const secret of secrets) expect(commandLines).not.toContain(secret);
  });

  it('lets a producer use all of BullMQ for adding, following and cancelling jobs', async () => {
    const { ingressUrl } = await opened();
    // The log has the refusals of the tests above.
    await withRedis(await ourUrl(), redis => redis.call('ACL', 'LOG', 'RESET'));
    const queue = new Queue('ingress', { ...INGRESS, connection: blockingOptions(ingressUrl) });
    const events = new QueueEvents('ingress', { ...INGRESS, connection: blockingOptions(ingressUrl) });
    const worker = new Worker(
      'ingress',
      async job => {
        await job.updateProgress({ state: 'live' });
        return job.name === 'bad' ? Promise.reject(new Error('code: message')) : { id: 1 };
      },
      { ...INGRESS, connection: blockingOptions(await ourUrl()), autorun: false },
    );
    const errors: Error[] = [];
    const note = (error: Error): void => void errors.push(error);
    queue.on('error', note);
    events.on('error', note);
    worker.on('error', note);
    try {
      await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()]);
      const plain = await queue.add('plain', { v: 1 });
      const bad = await queue.add('bad', {}, { jobId: 'chosen' });
      await queue.add('bad', {}, { jobId: 'chosen' });
      await queue.addBulk([
        { name: 'one', data: {} },
        { name: 'two', data: {}, opts: { lifo: true, priority: 0 } },
      ]);
      await queue.add('important', {}, { priority: 7 });
      for (const delay of [500_000, 600_000]) {
        await queue.add(
          'later',
          {},
          { delay, deduplication: { id: 'd', ttl: 1_000, extend: true, replace: true } },
        );
      }
      for (let i = 0; i < 2; i += 1) await queue.add('once', {}, { deduplication: { id: 'e' } });
      expect(await queue.getJobCounts('waiting', 'delayed', 'prioritized')).toEqual({
        waiting: 5,
        delayed: 1,
        prioritized: 1,
      });
      const [cancelled] = await queue.getWaiting(4, 4);
      await cancelled?.remove();
      expect(await (await queue.getJob(plain.id ?? ''))?.getState()).toBe('waiting');

      const progress = once(events, 'progress');
      const failed = bad.waitUntilFinished(events, 10_000).catch(messageOf);
      void worker.run();
      expect(await plain.waitUntilFinished(events, 10_000)).toEqual({ id: 1 });
      expect(await failed).toBe('code: message');
      expect((await progress)[0]).toMatchObject({ data: { state: 'live' } });
      expect(await plain.isCompleted()).toBe(true);
      expect((await queue.getJob('chosen'))?.failedReason).toBe('code: message');
      await (await queue.getJob('chosen'))?.remove();
      await queue.remove('nobody');
    } finally {
      await Promise.all([queue.close(), events.close(), worker.close()]);
    }
    expect(errors).toEqual([]);
    await withRedis(await ourUrl(), async redis => expect(await redis.call('ACL', 'LOG')).toEqual([]));
  });

  it('lets a producer do nothing else, in a script or outside one', async () => {
    const { ingressUrl } = await opened();
    await withRedis(await ourUrl(), async redis => {
      await redis.hset('{hf}:s:default/a', 'rev', '1');
      await redis.hset('{hf-in}:other', 'a', '1');
    });
    await withRedis(ingressUrl, async redis => {
      const inScript = (...call: string[]): string[] => [
        'eval',
        `return redis.call(${call.map(word => JSON.stringify(word)).join(',')})`,
        '0',
      ];
      const forbidden = [
        ...['get', 'hgetall', 'del', 'exists', 'lpush', 'xread'].flatMap(command =>
          ['{hf}:s:default/a', '{hf}:secret', '{hf-in}:other', 'ingress'].map(key => {
            if (command === 'xread') return [command, 'STREAMS', key, '0'];
            return command === 'lpush' ? [command, key, 'x'] : [command, key];
          }),
        ),
        ...[
          'flushall',
          'flushdb',
          'shutdown',
          'bgrewriteaof',
          'monitor',
          'randomkey',
          'dbsize',
          'role',
          'acl whoami',
        ],
        ...['keys *', 'scan 0', 'config get *', 'config set dir /tmp', 'slowlog get', 'acl list'],
        ...[
          'client list',
          'client kill type normal',
          'client pause 1',
          'script flush',
          'script kill',
          'select 1',
        ],
        ...[
          'subscribe x',
          'psubscribe *',
          'publish x y',
          'replicaof 127.0.0.1 1',
          'module list',
          'swapdb 0 1',
        ],
        ...[
          'migrate 127.0.0.1 1 x 0 1',
          'cluster info',
          'function list',
          'save',
          'object encoding x',
          'wait 0 1',
        ],
        ...[
          'rename {hf-in}:ingress:id {hf}:x',
          'copy {hf-in}:ingress:id {hf}:x',
          'sort {hf-in}:ingress:wait',
        ],
        ...['rpoplpush {hf-in}:ingress:wait {hf-in}:ingress:active', 'bzpopmin {hf-in}:ingress:marker 1'],
      ].map(command => (typeof command === 'string' ? command.split(' ') : command));
      for (const command of forbidden) {
        expect([command, await refusal(redis, command[0] ?? '', ...command.slice(1))]).toEqual([
          command,
          expect.stringMatching(/^NOPERM/),
        ]);
      }
      for (const call of [
        ['hgetall', '{hf}:s:default/a'],
        ['flushall'],
        ['config', 'get', '*'],
        ['keys', '*'],
      ]) {
        const [command = '', ...args] = inScript(...call);
        expect([call, await refusal(redis, command, ...args)]).toEqual([
          call,
          // Redis 6.2 and 7 word it differently.
          expect.stringMatching(/NOPERM|The user executing the script can't|not allowed from script/),
        ]);
      }
    });
    await withRedis(await ourUrl(), async redis =>
      expect(await redis.hget('{hf}:s:default/a', 'rev')).toBe('1'),
    );
  });
});

describe('a Redis that is opened, when its supervisor starts again', () => {
  beforeEach(setUp);
  afterEach(() => stage.dispose());

  it('keeps its passwords over restarts, and its process over the death of the supervisor', async () => {
    const first = stage.run('start', { REDIS_URL: '', HOLDFAST_REDIS_PORT: String(port) });
    await first.until();
    const before = await opened();
    const pid = await serverPid(await ourUrl());
    first.kill('SIGKILL');
    await first.ended();
    const stop = await start();
    expect(await serverPid(before.ingressUrl)).toBe(pid);
    await stop();
    await start();
    expect(await opened()).toEqual(before);
    expect(await serverPid(before.ingressUrl)).not.toBe(pid);
  });

  it('is closed and opened again by the setting, also when it outlived its supervisor', async () => {
    const supervisor = stage.run('start', { REDIS_URL: '' });
    await supervisor.until();
    expect((await readRedisAccess(redisDir()))?.ingressUrl).toBeNull();
    await withRedis(await ourUrl(), redis => redis.set('key', 'value'));
    supervisor.kill('SIGKILL');
    await supervisor.ended();

    const opening = stage.run('start', { REDIS_URL: '', HOLDFAST_REDIS_PORT: String(port) });
    await opening.until();
    const { ingressUrl } = await opened();
    await withRedis(ingressUrl, redis => redis.ping());
    expect(await withRedis(await ourUrl(), redis => redis.get('key'))).toBe('value');
    opening.kill('SIGKILL');
    await opening.ended();

    await start({});
    expect(await withRedis(await ourUrl(), redis => redis.get('key'))).toBe('value');
    expect((await readRedisAccess(redisDir()))?.ingressUrl).toBeNull();
    await expect(ask('PING')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a start with HOLDFAST_REDIS_PORT', () => {
  beforeEach(setUp);
  afterEach(() => stage.dispose());

  it('fails with one line when the port belongs to another program', async () => {
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    try {
      const supervisor = stage.run('start', { REDIS_URL: '', HOLDFAST_REDIS_PORT: String(port) });
      expect(await supervisor.ended()).toBe(1);
      expect(supervisor.stderr()).toContain(
        `127.0.0.1:${port} is in use by another program; set HOLDFAST_REDIS_PORT to a free port`,
      );
    } finally {
      other.close();
    }
  });

  it('fails when REDIS_URL names another Redis', async () => {
    const supervisor = stage.run('start', { HOLDFAST_REDIS_PORT: String(port) });
    expect(await supervisor.ended()).toBe(2);
    expect(supervisor.stderr()).toContain('HOLDFAST_REDIS_PORT');
  });
});
