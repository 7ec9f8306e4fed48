import type { Config } from '../config/config';
import { redisDir } from '../config/data-dir';
import { EmbeddedRedis, type EmbeddedRedisOptions } from './embedded-redis';
import { isPortFree } from './port-check';
import { REDIS_HOST, settleRedisAccess } from './redis-access';
import { canReadOnly } from './redis-binary';
import { StartError } from './start-error';

/** What is known of a data folder's Redis before its start. */
export interface RedisSetting extends Pick<EmbeddedRedisOptions, 'shortDir' | 'last' | 'table'> {
  readonly config: Pick<Config, 'dataDir' | 'redisPort'>;
  /** `redis-server` or `valkey-server`; null: there is none. */
  readonly redisBinary: string | null;
}

/**
 * Prepares the embedded Redis: its users and their passwords, and the port for other services, if there is one.
 *
 * @throws StartError if there is no Redis to start, or the port is taken; what {@link settleRedisAccess} throws.
 */
export async function planRedis({ config, redisBinary, ...known }: RedisSetting): Promise<EmbeddedRedis> {
  if (redisBinary === null) {
    throw new StartError('no redis-server or valkey-server on PATH; install one, or set REDIS_URL');
  }
  const { redisPort: port } = config;
  const dir = redisDir(config.dataDir);
  const access = await settleRedisAccess(dir, { port, canReadOnly: await canReadOnly(redisBinary) });
  const redis = new EmbeddedRedis({ ...known, binary: redisBinary, dir, access });
  if (port !== null && (await redis.find()) === null && !(await isPortFree(REDIS_HOST, port))) {
    throw new StartError(
      `${REDIS_HOST}:${port} is in use by another program; set HOLDFAST_REDIS_PORT to a free port`,
    );
  }
  return redis;
}
