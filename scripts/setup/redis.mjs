import { which } from './which.mjs';

/** A program that can serve as the embedded Redis, or null. */
export function findRedis() {
  return which('redis-server') ?? which('valkey-server');
}

/** The service can use the Redis of REDIS_URL; the tests always start their own. */
export function needsRedis() {
  return !process.env.REDIS_URL || process.env.npm_lifecycle_event === 'pretest';
}
