import { createHash } from 'node:crypto';
import { INGRESS_PREFIX } from './keys';

/** The Redis user of other services. */
export const INGRESS_USER = 'ingress';

/** Commands that ioredis, BullMQ and redis-py send to set up and keep a connection; the last two to a cluster. */
const CONNECTING = ['ping', 'info', 'client|setname', 'multi', 'exec', 'discard', 'cluster|slots', 'asking'];

/** A script runs with the rights of its caller: it can use only the commands in these lists. */
const SCRIPTS = ['eval', 'evalsha', 'script|load', 'script|exists'];

const READS = [
  ...['exists', 'get', 'pttl', 'hget', 'hmget', 'hgetall', 'hexists', 'lindex', 'llen', 'lpos', 'lrange'],
  ...[
    'scard',
    'smembers',
    'zcard',
    'zcount',
    'zrange',
    'zrangebyscore',
    'zrevrange',
    'zrevrangebyscore',
    'zscore',
  ],
  ...['xlen', 'xrange', 'xread', 'xrevrange'],
];

/**
 * For adding a job in every way, and for cancelling one. No command that takes a job off the queue as a worker does.
 */
const WRITES = [
  ...['incr', 'set', 'del', 'hset', 'hmset', 'hincrby', 'hdel', 'lpush', 'rpush', 'lrem', 'sadd', 'srem'],
  ...['zadd', 'zrem', 'xadd', 'xtrim'],
];

/**
 * The rights of {@link INGRESS_USER}, as `ACL SETUSER` and an ACL file take them (Redis 6.2 and later, Valkey): to put
 * jobs into the queue `ingress`, follow them and cancel them. Found by watching BullMQ 6.7 with MONITOR; a test runs
 * BullMQ's producer with them. Documentation and compose file repeat this line and are tested against it.
 */
export const INGRESS_RULES: readonly string[] = [
  'resetkeys',
  'resetchannels',
  '-@all',
  `~${INGRESS_PREFIX}:ingress:*`,
  ...[...CONNECTING, ...SCRIPTS, ...READS, ...WRITES].map(command => `+${command}`),
];

/** A line of an ACL file; the password appears in it as its SHA-256 only. */
export function aclLine(user: string, password: string, rules: readonly string[]): string {
  const digest = createHash('sha256').update(password).digest('hex');
  return ['user', user, 'reset', 'on', `#${digest}`, ...rules].join(' ');
}
