import type { Redis } from 'ioredis';

/** Redis `TIME` in epoch milliseconds: the clock that every deadline is held by. */
export async function redisNowMs(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}
