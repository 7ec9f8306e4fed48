import { statSync } from 'node:fs';
import Redis from 'ioredis';
import { assertNoClients, assertOnlyKeys } from '../../support/redis-assertions';
import { startRedis, type TestRedis } from '../../support/redis';

describe('a Redis for one test', () => {
  let redis: TestRedis | undefined;
  const start = async (...options: Parameters<typeof startRedis>): Promise<TestRedis> =>
    (redis = await startRedis(...options));
  afterEach(() => redis?.stop());

  it('answers on its socket, with the settings Holdfast relies on', async () => {
    const { cli } = await start();
    expect(await cli('ping')).toBe('PONG');
    expect(await cli('config', 'get', 'maxmemory-policy')).toBe('maxmemory-policy\nnoeviction');
    expect(await cli('config', 'get', 'hz')).toBe('hz\n100');
  });

  it('keeps its data over a kill when it has an append-only file', async () => {
    const { cli, kill, restart } = await start({ appendonly: true });
    await cli('set', 'kept', 'yes');
    await kill('SIGKILL');
    await restart();
    expect(await cli('get', 'kept')).toBe('yes');
  });

  it('forgets everything in a restart otherwise', async () => {
    const { cli, restart } = await start();
    await cli('set', 'kept', 'no');
    await restart();
    expect(await cli('get', 'kept')).toBe('');
  });

  it('has another pid after a restart', async () => {
    const server = await start();
    const before = server.pid;
    await server.restart();
    expect(server.pid).not.toBe(before);
  });

  it('leaves neither process nor folder when it is stopped, even when it was frozen', async () => {
    const { dir, pid, kill, stop } = await start();
    await kill('SIGSTOP');
    await stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(statSync(dir, { throwIfNoEntry: false })).toBeUndefined();
  });

  it('lets a test name the keys it may leave', async () => {
    const server = await start();
    await server.cli('set', '{hf}:secret', 'x');
    await server.cli('set', '{hf}:s:default/1', 'x');
    await expect(assertOnlyKeys(server, [/:secret$/, /:s:/])).resolves.toBeUndefined();
    await expect(assertOnlyKeys(server, [/:secret$/])).rejects.toThrow('{hf}:s:default/1');
  });

  it('reports clients that are still connected', async () => {
    const server = await start();
    await expect(assertNoClients(server)).resolves.toBeUndefined();
    const client = new Redis(server.socketPath);
    await client.ping();
    await expect(assertNoClients(server)).rejects.toThrow('still connected');
    client.disconnect();
  });
});
