import { z } from 'zod';
import { redisAddress } from '../producer/redis-address';

/** Where a Redis is. */
export const redisUrlSchema = z
  .string()
  .refine(
    isAddress,
    'must be redis://, rediss://, unix:///path, redis+sentinel://host:port,host:port/name or ' +
      'redis+cluster://host:port,host:port, with % for odd characters',
  );

function isAddress(url: string): boolean {
  try {
    redisAddress(url);
    return true;
  } catch {
    return false; // the message of the setting says more than the error
  }
}
