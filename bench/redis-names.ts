import type { Redis } from 'ioredis';

/** Every key whose name or content contains one of these words. For a Redis of a few thousand keys. */
export async function namesOf(redis: Redis, words: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const key of await redis.keys('*')) {
    const text = key + (await contentOf(redis, key));
    if (words.some(word => text.includes(word))) found.push(key);
  }
  return found;
}

async function contentOf(redis: Redis, key: string): Promise<string> {
  switch (await redis.type(key)) {
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'hash':
      return JSON.stringify(await redis.hgetall(key));
    case 'list':
      return JSON.stringify(await redis.lrange(key, 0, -1));
    case 'set':
      return JSON.stringify(await redis.smembers(key));
    case 'zset':
      return JSON.stringify(await redis.zrange(key, '0', '-1'));
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'));
    default:
      return ''; // gone meanwhile
  }
}
