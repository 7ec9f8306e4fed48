import { existsSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { createLogger } from '../../src/core/logger';
import { sendSignal, systemProcesses } from '../../src/core/process-identity';
import { checkRedisServer } from '../../src/redis/server-check';
import { ChildrenFile } from '../../src/supervisor/children-file';
import { EmbeddedRedis } from '../../src/supervisor/embedded-redis';
import { KeptProcess } from '../../src/supervisor/kept-process';
import { PATIENCE } from '../../src/supervisor/roles';
import {
  readRedisAccess,
  settleRedisAccess,
  type OwnRedisUser,
  type RedisAccess,
} from '../../src/supervisor/redis-access';
import { findRedisBinary } from '../../src/supervisor/redis-binary';
import { executableSearchPath } from '../../src/config/env';
import { Stage, untilGone } from '../support/supervisor/harness';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { pollUntil } from '../support/poll-until';

const PATIENT = { graceMs: 5_000, hurry: new AbortController().signal, hurriedMs: 0 };

let dir: TempDir;
let redis: EmbeddedRedis;
let kept: KeptProcess;

beforeEach(async () => {
  dir = await makeTempDir();
  ({ redis, kept } = await keepRedis(join(dir.path, 'redis')));
});
afterEach(async () => {
  await kept.stop(PATIENT);
  await redis.clean();
  await dir.remove();
});

async function keepRedis(
  redisDir: string,
  silentMs = PATIENCE.redis.silentMs,
): Promise<{ redis: EmbeddedRedis; kept: KeptProcess }> {
  const binary = await findRedisBinary(executableSearchPath());
  if (binary === null) throw new Error('these tests need redis-server or valkey-server on PATH');
  const shortDir = join(dir.path, 'short');
  const plan = new EmbeddedRedis({
    binary,
    dir: redisDir,
    shortDir,
    last: null,
    access: await settleRedisAccess(redisDir, { port: null, canReadOnly: true }),
    table: systemProcesses,
  });
  const log = createLogger('test', 'silent');
  const context = {
    table: systemProcesses,
    children: new ChildrenFile(join(dir.path, 'children.json'), await systemProcesses.bootId(), log),
    patience: { ...PATIENCE, redis: { ...PATIENCE.redis, silentMs } },
    log,
  };
  const process = new KeptProcess(plan, context);
  process.start();
  await process.firstReady;
  return { redis: plan, kept: process };
}

/** The passwords of the Redis of a folder. */
async function passwordsIn(redisDir: string): Promise<RedisAccess['passwords']> {
  const access = await readRedisAccess(redisDir);
  if (access === null) throw new Error(`there are no users in ${redisDir}`);
  return access.passwords;
}

/** As the user with all rights, or another one. */
async function withClient<T>(
  use: (client: Redis) => Promise<T>,
  path = redis.socketPath,
  { redisDir = dirname(path), username = 'default' }: { redisDir?: string; username?: OwnRedisUser } = {},
): Promise<T> {
  const password = (await passwordsIn(redisDir))[username];
  const client = new Redis({
    path,
    username,
    password,
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
  });
  // Connections are refused while Redis restarts, as some tests intend. The command itself waits.
  client.on('error', () => undefined);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

test('serves its own user on a Unix socket and does not listen on TCP', async () => {
  expect((await lstat(redis.socketPath)).mode & 0o777).toBe(0o700);
  expect((await lstat(join(dir.path, 'redis'))).mode & 0o777).toBe(0o700);
  await withClient(async client => {
    expect(await client.config('GET', 'port')).toEqual(['port', '0']);
    expect(await client.config('GET', 'hash-max-listpack-value')).toEqual([
      'hash-max-listpack-value',
      '1024',
    ]);
    expect(await client.config('GET', 'zset-max-listpack-value')).toEqual(['zset-max-listpack-value', '128']);
  });
});

test('passes the check that an operator’s Redis gets, without a warning', async () => {
  const { version, warnings } = await checkRedisServer(redis.urlFor('api'));
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(warnings).toEqual([]);
});

test('comes back with its data after kill -9', async () => {
  const before = kept.pid;
  if (before === undefined) throw new Error('no Redis');
  await withClient(async client => {
    await client.set('key', 'value');
    // No fsync is needed: kill -9 of a process loses nothing that it has already written to the kernel.
    await pollUntil('the append-only file', { timeoutMs: 5_000, everyMs: 20 }, async () =>
      /aof_buffer_length:0/.test(await client.info('persistence')) ? true : undefined,
    );
    sendSignal(before, 'SIGKILL');
    await untilGone(before);
    expect(await client.get('key')).toBe('value');
    expect(kept.pid).not.toBe(before);
  });
});

test('is replaced when it hangs, and comes back with its data', async () => {
  const other = await keepRedis(join(dir.path, 'other'), 1_000);
  try {
    await withClient(client => client.set('key', 'value'), other.redis.socketPath);
    const frozen = other.kept.pid;
    if (frozen === undefined) throw new Error('no Redis');
    sendSignal(frozen, 'SIGSTOP');
    await untilGone(frozen);
    expect(await withClient(client => client.get('key'), other.redis.socketPath)).toBe('value');
  } finally {
    await other.kept.stop(PATIENT);
  }
});

test('leaves nothing behind when it is stopped', async () => {
  await kept.stop(PATIENT);
  expect(existsSync(redis.socketPath)).toBe(false);
  expect(await readFile(join(dir.path, 'redis', 'log'), 'utf8')).toContain('bye bye');
});

test('puts its socket where the path fits when the data folder is too deep', async () => {
  const deep = join(dir.path, 'd'.repeat(100));
  const other = await keepRedis(deep);
  try {
    expect(other.redis.socketPath).toBe(join(dir.path, 'short', 'redis.sock'));
    await withClient(client => client.ping(), other.redis.socketPath, { redisDir: deep });
  } finally {
    await other.kept.stop(PATIENT);
    await other.redis.clean();
  }
  expect(existsSync(join(dir.path, 'short'))).toBe(false);
});

test('does not put its socket into a folder that others could have made', async () => {
  const shortDir = join(tmpdir(), 'open-to-others');
  await mkdir(shortDir);
  await chmod(shortDir, 0o777);
  const plan = new EmbeddedRedis({
    binary: 'never-started',
    dir: join(dir.path, 'd'.repeat(100)),
    shortDir,
    last: null,
    access: await settleRedisAccess(join(dir.path, 'access'), { port: null, canReadOnly: true }),
    table: systemProcesses,
  });
  expect(() => plan.spawn()).toThrow('open to others');
  await plan.clean();
});

describe('under a supervisor', () => {
  let stage: Stage;
  beforeEach(async () => (stage = await Stage.make()));
  afterEach(() => stage.dispose());

  test('outlives its kill -9, is found by the next one, and ends with the drain', async () => {
    const first = stage.run('start', { REDIS_URL: '' });
    await first.until();
    const socketPath = join(stage.dataDir, 'redis', 'redis.sock');
    const pid = await serverPid(socketPath);
    await withClient(client => client.set('key', 'value'), socketPath);
    first.kill('SIGKILL');
    await first.ended();

    const second = stage.run('start', { REDIS_URL: '' });
    await second.until();
    expect(await serverPid(socketPath)).toBe(pid);
    second.kill('SIGTERM');
    expect(await second.ended()).toBe(0);
    await untilGone(pid, 100);

    const third = stage.run('start', { REDIS_URL: '' });
    await third.until();
    expect(await withClient(client => client.get('key'), socketPath)).toBe('value');
  });

  test('is replaced when it is killed after it was taken over', async () => {
    const first = stage.run('start', { REDIS_URL: '' });
    await first.until();
    const socketPath = join(stage.dataDir, 'redis', 'redis.sock');
    const pid = await serverPid(socketPath);
    first.kill('SIGKILL');
    await first.ended();
    await stage.run('start', { REDIS_URL: '' }).until();
    sendSignal(pid, 'SIGKILL');
    await untilGone(pid);
    expect(await serverPid(socketPath)).not.toBe(pid);
  });

  test('gives API and worker a user of least rights each, and the keeper none', async () => {
    const first = stage.run('start', { REDIS_URL: '' });
    await first.until();
    const redisDir = join(stage.dataDir, 'redis');
    const socketPath = join(redisDir, 'redis.sock');
    const passwords = await passwordsIn(redisDir);
    const given = (await stage.journal()).filter(({ event }) => event.startsWith('redis '));
    const urlOf = (user: 'api' | 'worker'): string =>
      `redis unix://${user}:${passwords[user]}@localhost${socketPath}`;
    expect(Object.fromEntries(given.map(({ role, event }) => [role, event]))).toEqual({
      ...{ keeper: 'redis ', api: urlOf('api'), worker: urlOf('worker') },
    });
    for (const file of ['access.json', 'users.acl'])
      expect((await lstat(join(redisDir, file))).mode & 0o777).toBe(0o600);

    const answers = async (username: OwnRedisUser, ...commands: string[][]): Promise<string[]> =>
      withClient(
        async client => {
          const said: string[] = [];
          for (const [name = '', ...args] of commands)
            said.push(
              await client.call(name, ...args).then(
                () => 'OK',
                (error: unknown) => String(error).split(' ')[1] ?? '',
              ),
            );
          return said;
        },
        socketPath,
        { username },
      );
    const [flush, key] = [['FLUSHALL'], ['HSET', '{hf}:keys', 'id', 'key']];
    expect(await answers('api', flush, ['CONFIG', 'GET', 'dir'], key)).toEqual(['NOPERM', 'NOPERM', 'OK']);
    expect(await answers('worker', flush, ['SHUTDOWN', 'NOSAVE'], key)).toEqual(Array(3).fill('NOPERM'));
    const nobody = new Redis(socketPath, { retryStrategy: () => null });
    nobody.on('error', () => undefined);
    await expect(nobody.get('{hf}:secret')).rejects.toThrow('NOAUTH');
    nobody.disconnect();

    // A later supervisor takes it over, also with the rules that another version has given to its users.
    const pid = await serverPid(socketPath);
    first.kill('SIGKILL');
    await first.ended();
    const rules = await readFile(join(redisDir, 'users.acl'), 'utf8');
    await writeFile(join(redisDir, 'users.acl'), rules.replace(/^user worker .*$/m, 'user worker off'));
    await withClient(client => client.call('ACL', 'LOAD'), socketPath);
    await stage.run('start', { REDIS_URL: '' }).until();
    expect(await serverPid(socketPath)).toBe(pid);
    expect(await passwordsIn(redisDir)).toEqual(passwords);
    expect(await answers('worker', ['GET', '{hf}:secret'])).toEqual(['OK']);
  });

  test('gets users when an earlier version has left it without, and keeps its data', async () => {
    const redisDir = join(stage.dataDir, 'redis');
    const socketPath = join(redisDir, 'redis.sock');
    await mkdir(redisDir, { recursive: true, mode: 0o700 });
    const binary = (await findRedisBinary(executableSearchPath())) ?? '';
    const args = ['--port', '0', '--unixsocket', socketPath, '--dir', redisDir, '--appendonly', 'yes'];
    const earlier = spawn(binary, args, { stdio: 'ignore' });
    const gone = once(earlier, 'exit');
    const client = new Redis(socketPath, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    await client.set('key', 'value');
    client.disconnect();

    await stage.run('start', { REDIS_URL: '' }).until();
    await gone;
    expect(await withClient(admin => admin.get('key'), socketPath)).toBe('value');
    expect(await withClient(worker => worker.call('PING'), socketPath, { username: 'worker' })).toBe('PONG');
  });

  async function serverPid(socketPath: string): Promise<number> {
    const info = await withClient(client => client.info('server'), socketPath);
    return Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  }
});
