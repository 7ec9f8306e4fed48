import { Redis as ServerClient, type Cluster, type RedisOptions as AllRedisOptions } from 'ioredis';
import type { Logger } from '../core/logger';
import { TurnWrites } from '../core/turn-writes';
import { redisAddress, type RedisAddress } from '../producer/redis-address';
import { ClusterClient } from '../producer/redis-cluster';
import { connectorOf } from '../producer/sentinel-connector';
import { INGRESS_PREFIX, KEY_PREFIX } from './keys';
import { expectRightKind, wrongKindOf } from './right-kind';

/** A connection to one server, or those to the nodes of a cluster: both take the same commands. */
export type Redis = ServerClient | Cluster;

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
    | 'lazyConnect'
  > &
  Pick<AllRedisOptions, 'Connector'> & { readonly maxRetriesPerRequest?: number | null };

/** How long one command may take before it fails as "Redis is away". */
const COMMAND_TIMEOUT_MS = 2_000;

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
  const address = redisAddress(url);
  return {
    ...address,
    ...connectorOf(address),
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

/*
 * A connection that waits to reconnect ends without saying so in ioredis (6.0.0): it emits no `end`, for which BullMQ's
 * worker waits when it closes, and rejects nothing that waits to be sent. One that waits for its first command ends as
 * it should, so it ends as that one.
 */
class EndingRedis extends ServerClient {
  override disconnect(reconnect = false): void {
    if (!reconnect && this.status === 'reconnecting') this.status = 'wait';
    super.disconnect(reconnect);
  }

  /* BullMQ makes its blocking connections in this way. */
  override duplicate(
    ...[override]: Parameters<ServerClient['duplicate']>
  ): ReturnType<ServerClient['duplicate']> {
    // SAFETY: the options of a client are right for another; their type has members that may be undefined.
    return new EndingRedis({ ...this.options, ...override } as AllRedisOptions & { replyMapping?: 'legacy' });
  }
}

class GatheringRedis extends EndingRedis {
  readonly #writes = new TurnWrites();

  override sendCommand(...args: Parameters<ServerClient['sendCommand']>): unknown {
    this.#writes.hold(() => [this.stream]);
    return super.sendCommand(...args);
  }
}

class GatheringCluster extends ClusterClient {
  readonly #writes = new TurnWrites();

  override sendCommand(...args: Parameters<ClusterClient['sendCommand']>): unknown {
    this.#writes.hold(() => this.nodes('master').map(({ stream }) => stream));
    return super.sendCommand(...args);
  }
}

/** Gets the beginning and the end of an outage. */
export interface OutageLogger {
  warn(about: { readonly err: unknown }, message: string): void;
  info(message: string): void;
}

/**
 * Opens a connection that reports its errors to the log once per outage instead of throwing them.
 *
 * @param home - in a cluster, commands without a key go to the node that has this one
 */
export function openRedis(options: RedisOptions, log: OutageLogger, home = KEY_PREFIX): Redis {
  const { clusterNodes, ...others } = options;
  if (clusterNodes === undefined) return reporting(new GatheringRedis(others), log);
  return reportingCluster(GatheringCluster.open({ ...others, clusterNodes }, home), log);
}

function reporting(redis: ServerClient, log: OutageLogger): Redis {
  const outage = new OutageLog(log);
  redis.on('error', error => outage.failed(error));
  redis.on('ready', () => outage.over());
  return redis;
}

/* A cluster is asked for its nodes each second; it serves if the home is connected then. */
function reportingCluster(redis: ClusterClient, log: OutageLogger): Redis {
  const outage = new OutageLog(log);
  for (const event of ['error', 'node error']) redis.on(event, error => outage.failed(error));
  redis.on('refresh', () => {
    if (redis.home?.status === 'ready') outage.over();
  });
  return redis;
}

/** Logs the beginning and the end of an outage. */
class OutageLog {
  #isReported = false;

  constructor(private readonly log: OutageLogger) {}

  failed(error: unknown): void {
    if (!this.#isReported) this.log.warn({ err: error }, 'redis connection failed');
    this.#isReported = true;
  }

  over(): void {
    if (this.#isReported) this.log.info('redis connection is back');
    this.#isReported = false;
  }
}

/**
 * Opens a command connection and waits until it is usable.
 *
 * @throws ConfigError if the address is that of one server and the server part of a cluster, or the other way round.
 */
export async function openCommandRedis(url: string, log: Logger): Promise<Redis> {
  const redis = openRedis(commandOptions(url), log);
  try {
    await untilReady(redis);
    await expectRightKind(redis);
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

async function untilReady(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    redis.once('ready', resolve);
    redis.on('node error', (error: unknown) => {
      const wrong = wrongKindOf(error);
      if (wrong !== null) reject(wrong);
    });
  });
}

/** A key of every slot that Holdfast uses; in a cluster each may be on another node. */
export function homesOf(url: string): readonly string[] {
  return redisAddress(url).clusterNodes === undefined ? [KEY_PREFIX] : [KEY_PREFIX, INGRESS_PREFIX];
}
