import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { blockingOptions, openCommandRedis, openRedis } from '../../src/redis/connection';
import { startRedis } from '../support/redis';
import { testLog } from '../support/store-fixture';

test('the commands of one turn reach Redis together, those of another turn do not wait for them', async () => {
  const server = await startRedis();
  const path = join(server.dir, 'watched.sock');
  let pieces = 0;
  const watched = createServer(client => {
    const upstream = connect(server.socketPath);
    client.on('data', () => (pieces += 1));
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
  });
  watched.listen(path);
  await once(watched, 'listening');
  const redis = await openCommandRedis(`unix://${path}`, testLog);
  try {
    await redis.ping();
    pieces = 0;
    const counted = Promise.all(Array.from({ length: 100 }, () => redis.incr('n')));
    expect((await counted).at(-1)).toBe(100);
    expect(pieces).toBe(1);
    expect(await redis.incr('n')).toBe(101);
    expect(pieces).toBe(2);
  } finally {
    redis.disconnect();
    watched.close();
    await server.stop();
  }
});

test('a connection that waits to reconnect ends like any other, and so does one made from it', async () => {
  const server = await startRedis();
  // SAFETY: it is no cluster.
  const redis = openRedis(blockingOptions(server.url), testLog) as Redis;
  const both = [redis, redis.duplicate()];
  await Promise.all(both.map(each => each.ping()));
  const waiting = both.map(each => once(each, 'reconnecting'));
  await server.stop();
  await Promise.all(waiting);
  for (const each of both) {
    const answer = each.ping();
    const ended = once(each, 'end');
    each.disconnect();
    await ended;
    await expect(answer).rejects.toThrow('Connection is closed.');
  }
});
