import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SessionProducer } from '../../src/producer/producer';
import { readRedisAccess } from '../../src/supervisor/redis-access';
import { freePort } from '../support/free-port';
import { Installation } from '../support/installation';
import { pollUntil } from '../support/poll-until';

const run = promisify(execFile);

describe('another service on this machine', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start({ env: { HOLDFAST_REDIS_PORT: String(await freePort()) } });
  });
  afterAll(() => installation.stop());

  it('gets sessions through the port of the embedded Redis, over restarts, without a forbidden command', async () => {
    const access = await readRedisAccess(join(installation.dir.path, 'redis'));
    if (access === null || access.ingressUrl === null) throw new Error('the Redis is not opened');
    const producer = new SessionProducer({ redisUrl: access.ingressUrl });
    try {
      const first = await (await producer.create({ timeout: 60_000 })).result({ timeoutMs: 10_000 });
      expect((await installation.read(first.id)).status).toBe('live');

      for (const role of ['redis', 'api', 'worker'] as const) {
        await installation.replaced(role, await installation.signal(role, 'SIGKILL'));
      }
      const second = await (await producer.create({ timeout: 60_000 })).result({ timeoutMs: 30_000 });
      expect((await installation.read(second.id)).status).toBe('live');
      await (await producer.release(first.id)).result({ timeoutMs: 10_000 });
      expect((await installation.read(first.id)).status).toBe('released');
      const planned = await producer.create({}, { delayMs: 3_600_000 });
      expect(await planned.cancel()).toBe('removed');
    } finally {
      await producer.close();
    }
    const { stdout } = await run('redis-cli', [
      ...['-s', installation.redisSocketPath, '--user', 'default', '--pass', access.passwords.default],
      ...['--no-auth-warning', 'ACL', 'LOG'],
    ]);
    expect(stdout.trim()).toBe('');
  });

  it('stops the embedded Redis with an endless script that writes, and every session goes on', async () => {
    const access = await readRedisAccess(join(installation.dir.path, 'redis'));
    if (access === null || access.ingressUrl === null) throw new Error('the Redis is not opened');
    const { id } = await installation.create({ timeout: 60_000 });
    const before = await installation.find('redis');
    const [key, script] = ['{hf-in}:ingress:x', `redis.call('SET', KEYS[1], 'x') while true do end`];
    await run('redis-cli', ['-u', access.ingressUrl, 'EVAL', script, '1', key]).catch(() => undefined);
    await installation.replaced('redis', before);
    const found = await pollUntil('the session', { timeoutMs: 10_000, everyMs: 20 }, async () => {
      const answer = await installation.call('GET', `/v1/sessions/${id}`);
      return answer.status === 200 ? answer.body : undefined;
    });
    expect(found.status).toBe('live');
    const { stdout } = await run('redis-cli', ['-u', access.ingressUrl, 'EXISTS', key]);
    expect(stdout.trim()).toBe('0');
  });
});
