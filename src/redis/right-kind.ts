import type { Cluster, Redis } from 'ioredis';
import { ConfigError } from '../config/config';
import { messageOf } from '../core/errors';
import { INGRESS_PREFIX, keys } from './keys';

/**
 * Reads one key of each prefix: a node of a cluster that does not have it says where it is (`MOVED`), and a connection
 * to one server does not go there.
 *
 * @throws ConfigError if that is so.
 */
export async function expectRightKind(redis: Redis | Cluster): Promise<void> {
  for (const key of [keys.none, `${INGRESS_PREFIX}:ingress:meta`]) {
    // Whatever else is wrong shows when the service reads more.
    const wrong = await redis.exists(key).then(() => null, wrongKindOf);
    if (wrong !== null) throw wrong;
  }
}

/** Says what is wrong with the address of a Redis, if an error of it shows that; else null. */
export function wrongKindOf(error: unknown): ConfigError | null {
  const message = messageOf(error);
  if (message.startsWith('MOVED '))
    return new ConfigError([
      'REDIS_URL: it is a node of a cluster with several nodes; write redis+cluster://host:port,host:port',
    ]);
  if (message.includes('cluster support disabled'))
    return new ConfigError([
      'REDIS_URL: it is no node of a cluster; write redis:// in place of redis+cluster://',
    ]);
  return null;
}
