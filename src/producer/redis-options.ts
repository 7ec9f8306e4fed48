import type { RedisOptions as AllRedisOptions } from 'ioredis';

/** The ioredis settings in use, in a form that BullMQ accepts as well. */
type RedisOptions = Pick<
  { [K in keyof AllRedisOptions]: NonNullable<AllRedisOptions[K]> },
  | 'path'
  | 'host'
  | 'port'
  | 'db'
  | 'username'
  | 'password'
  | 'tls'
  | 'retryStrategy'
  | 'disconnectTimeout'
  | 'socketTimeout'
  | 'commandTimeout'
> & { readonly maxRetriesPerRequest: null };

const SCHEMES: readonly string[] = ['redis:', 'rediss:', 'unix:'];

/**
 * `redis[s]://user:password@host:port/db` or `unix://[user:password@localhost]/path/to/redis.sock` → where to connect.
 *
 * @throws TypeError if it is none of these.
 */
function addressOf(url: string): RedisOptions {
  // Callers without types may pass undefined, mostly from an environment variable that is not set.
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !SCHEMES.includes(parsed.protocol))
    throw new TypeError(
      'redisUrl must be redis://, rediss:// or unix://, such as `holdfast redis-url` prints',
    );
  const common = {
    retryStrategy,
    // Commands have a separate deadline; the reader of events has none.
    maxRetriesPerRequest: null,
    // ioredis waits this long for the close of a socket that was never open, and delays the end of the process.
    disconnectTimeout: 100,
    ...(parsed.username === '' ? {} : { username: decodeURIComponent(parsed.username) }),
    ...(parsed.password === '' ? {} : { password: decodeURIComponent(parsed.password) }),
  };
  if (parsed.protocol === 'unix:') return { ...common, path: decodeURIComponent(parsed.pathname) };
  return {
    ...common,
    host: parsed.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: parsed.port === '' ? 6379 : Number(parsed.port),
    db: Number(parsed.pathname.slice(1)) || 0,
    ...(parsed.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

/** How long one read of the events waits in Redis, milliseconds. */
export const EVENTS_BLOCK_MS = 5_000;

const retryStrategy = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 10), 1_000);

/** For commands: they wait until the connection is made, and their callers have a deadline. */
export const commandOptions = (url: string): RedisOptions => addressOf(url);

/**
 * For the connection that reads events: it outlasts every outage, and detects a dead connection that was never reset.
 */
export const eventsOptions = (url: string): RedisOptions => ({
  ...addressOf(url),
  socketTimeout: EVENTS_BLOCK_MS + 3_000,
});
