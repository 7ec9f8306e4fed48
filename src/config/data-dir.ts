import { join } from 'node:path';

/** The folder of the embedded Redis in a data folder. */
export function redisDir(dataDir: string): string {
  return join(dataDir, 'redis');
}
