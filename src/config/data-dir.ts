import { join } from 'node:path';

/** Where the Redis of a data folder keeps everything. */
export function redisDir(dataDir: string): string {
  return join(dataDir, 'redis');
}
