import { Redis, type RedisOptions as AllRedisOptions } from 'ioredis';
import type { Logger } from '../core/logger';
import { redisAddress, type RedisAddress } from '../producer/redis-address';

export type { Redis } from 'ioredis';

/** How a connection is opened: the ioredis settings in use, in a form that BullMQ accepts as well. */
export type RedisOptions = RedisAddress &
  Pick<
    { [K in keyof AllRedisOptions]: NonNullable<AllRedisOptions[K]> },
    | 'retryStrategy'
    | 'reconnectOnError'
    | 'socketTimeout'
    | 'keepAlive'
    | 'enableOfflineQueue'
    | 'commandTimeout'
  > & { readonly maxRetriesPerRequest?: number | null };

/** How long one command may take before it fails as "Redis is away". */
export const COMMAND_TIMEOUT_MS = 2_000;

/** Longest wait before the next attempt to reconnect: due timers must not wait for the back-off. */
const RECONNECT_CAP_MS = 500;

/**
 * A command connection that gets no answer for this long is taken for dead: a router in between may have lost its
 * state, and then neither end gets a reset. Well below a worker's lease, which must be renewed on a new connection in
 * time.
 */
const COMMAND_SOCKET_TIMEOUT_MS = 3_000;

/** The same for a connection that blocks, on top of the longest time it waits in Redis. */
const BLOCKING_SOCKET_SLACK_MS = 2_000;

/** How long Holdfast's own blocking reads wait in Redis. */
export const BLOCK_MS = 5_000;

/** Options of every connection. */
function commonOptions(url: string): RedisOptions {
  return {
    ...redisAddress(url),
    retryStrategy: attempt => Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_CAP_MS),
    // A replica that was promoted away answers READONLY: drop the connection and send the command again elsewhere.
    reconnectOnError: error => (error.message.includes('READONLY') ? 2 : false),
    keepAlive: 30_000,
  };
}

/**
 * Options for commands: they fail at once while Redis is away and after {@link COMMAND_TIMEOUT_MS} when it is silent.
 * Commands in flight when a connection breaks are sent again (ioredis' default, which must stay on in 6.0.0), so every
 * script tolerates a second run.
 */
export function commandOptions(url: string): RedisOptions {
  return {
    ...commonOptions(url),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: COMMAND_SOCKET_TIMEOUT_MS,
  };
}

/**
 * Options for connections that block or that must outlast an outage: BullMQ's workers and the stream readers.
 *
 * @param longestBlockMs - no command on it waits in Redis for longer than this
 */
export function blockingOptions(url: string, longestBlockMs: number = BLOCK_MS): RedisOptions {
  return {
    ...commonOptions(url),
    maxRetriesPerRequest: null,
    socketTimeout: longestBlockMs + BLOCKING_SOCKET_SLACK_MS,
  };
}

/** Sends the commands of one turn of the event loop together: each write is a system call that wakes Redis. */
class GatheringRedis extends Redis {
  #isGathering = false;

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    this.#gather();
    return super.sendCommand(...args);
  }

  #gather(): void {
    // It has no stream before it connects.
    const stream: Redis['stream'] | undefined = this.stream;
    if (this.#isGathering || stream === undefined) return;
    this.#isGathering = true;
    stream.cork();
    setImmediate(() => {
      this.#isGathering = false;
      stream.uncork();
    });
  }
}

/** Opens a connection that reports its errors to the log once per outage instead of throwing them. */
export function openRedis(options: RedisOptions, log: Logger): Redis {
  const redis = new GatheringRedis(options);
  let reported = false;
  redis.on('error', error => {
    if (!reported) log.warn({ err: error }, 'redis connection failed');
    reported = true;
  });
  redis.on('ready', () => {
    if (reported) log.info('redis connection is back');
    reported = false;
  });
  return redis;
}

/** Opens a command connection and waits until it is usable. */
export async function openCommandRedis(url: string, log: Logger): Promise<Redis> {
  const redis = openRedis(commandOptions(url), log);
  if (redis.status !== 'ready') await new Promise<void>(resolve => void redis.once('ready', () => resolve()));
  return redis;
}
