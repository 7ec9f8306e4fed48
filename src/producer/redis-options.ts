import type { ConnectionOptions } from 'bullmq';
import { Redis, type Cluster, type RedisOptions as AllRedisOptions } from 'ioredis';
import { redisAddress, type RedisAddress } from './redis-address';
import { ClusterClient } from './redis-cluster';
import { connectorOf } from './sentinel-connector';

/** The ioredis settings in use, in a form that BullMQ accepts as well. */
type RedisOptions = RedisAddress &
  Pick<
    { [K in keyof AllRedisOptions]: NonNullable<AllRedisOptions[K]> },
    'retryStrategy' | 'disconnectTimeout' | 'socketTimeout' | 'commandTimeout'
  > &
  Pick<AllRedisOptions, 'Connector'> & { readonly maxRetriesPerRequest: null };

/** @throws TypeError if the URL is not that of a Redis. */
function commonOptions(url: string): RedisOptions {
  const address = addressOf(url);
  return {
    ...address,
    ...connectorOf(address),
    retryStrategy,
    // Commands have a separate deadline; the reader of events has none.
    maxRetriesPerRequest: null,
    // ioredis waits this long for the close of a socket that was never open, and delays the end of the process.
    disconnectTimeout: 100,
  };
}

function addressOf(url: string): RedisAddress {
  try {
    return redisAddress(url);
  } catch {
    // Callers without types may pass undefined, mostly from an environment variable that is not set.
    throw new TypeError(
      'redisUrl must be redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://, such as ' +
        '`holdfast redis-url` prints',
    );
  }
}

/** How long one read of the events waits in Redis, milliseconds. */
export const EVENTS_BLOCK_MS = 5_000;

const retryStrategy = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 10), 1_000);

/** For commands: they wait until the connection is made, and their callers have a deadline. */
export const commandOptions = (url: string): RedisOptions => commonOptions(url);

/**
 * For the connection that reads events: it outlasts every outage, and detects a dead connection that was never reset.
 */
const eventsOptions = (url: string): RedisOptions => ({
  ...commonOptions(url),
  socketTimeout: EVENTS_BLOCK_MS + 3_000,
});

/** Opens the client for commands. @param home - in a cluster, commands without a key go to the node of this one */
export function openCommandClient(url: string, home: string): Redis | Cluster {
  const { clusterNodes, ...options } = commandOptions(url);
  return clusterNodes === undefined
    ? new Redis(options)
    : ClusterClient.open({ ...options, clusterNodes }, home);
}

/** What BullMQ makes its client for events from: options, or a client that it duplicates and that never connects. */
export function eventsConnection(url: string, home: string): ConnectionOptions {
  const { clusterNodes, ...options } = eventsOptions(url);
  if (clusterNodes === undefined) return options;
  return ClusterClient.open({ ...options, clusterNodes, lazyConnect: true }, home);
}
