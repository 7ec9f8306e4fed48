import { INGRESS_PREFIX, KEY_PREFIX } from './keys';

/** The Redis users of Holdfast's own processes. */
export const PROCESS_USERS = ['api', 'worker'] as const;

/** @see PROCESS_USERS */
export type ProcessUser = (typeof PROCESS_USERS)[number];

/** What ioredis and BullMQ send to set up and keep a connection. `info` is for checks and metrics. */
const CONNECTING = ['ping', 'info', 'select', 'client|setname', 'time', 'multi', 'exec', 'discard'];

/** What ioredis sends to the nodes of a cluster; any other Redis refuses it. */
const CLUSTER = ['cluster|slots', 'asking'];

/** `script|kill` ends an endless script of another service, which would stop everything. */
const SCRIPTS = ['eval', 'evalsha', 'script|load', 'script|exists', 'script|kill'];

/** What our scripts, those of BullMQ and our stores use. Scripts run with the rights of their caller. */
const DATA = [
  ...[
    'type',
    'exists',
    'del',
    'unlink',
    'pexpire',
    'pexpireat',
    'persist',
    'pttl',
    'get',
    'set',
    'mget',
    'incr',
    'incrby',
  ],
  ...[
    'hget',
    'hset',
    'hsetnx',
    'hstrlen',
    'hdel',
    'hmget',
    'hmset',
    'hgetall',
    'hexists',
    'hincrby',
    'hlen',
    'hkeys',
    'hvals',
  ],
  ...[
    'lpush',
    'rpush',
    'lpop',
    'rpop',
    'lrange',
    'llen',
    'lindex',
    'lrem',
    'lset',
    'ltrim',
    'lpos',
    'rpoplpush',
  ],
  ...['sadd', 'srem', 'smembers', 'scard', 'sismember'],
  ...[
    'zadd',
    'zrem',
    'zcard',
    'zcount',
    'zlexcount',
    'zscore',
    'zrank',
    'zrange',
    'zrangebyscore',
    'zrangebylex',
  ],
  ...['zrevrange', 'zrevrangebyscore', 'zremrangebyscore', 'zremrangebyrank', 'zpopmin', 'bzpopmin'],
  ...['xadd', 'xtrim', 'xdel', 'xlen', 'xread', 'xrange', 'xrevrange'],
];

/**
 * The keys of a worker: all but those of API keys, which it only reads (for its metrics), the audit log, and the names,
 * indexes and Idempotency-Keys that only creates write. A worker runs browsers, so it is the process that a stranger
 * comes closest to. Workers of earlier versions use `packed`.
 */
const WORKER_KEYS = [
  ...[
    's',
    'h',
    'due',
    'armed',
    'effects',
    'closing',
    'saveids',
    'saves',
    'act',
    'att',
    'pres',
    'leases',
    'w',
    'drained',
  ],
  ...[
    'own',
    'ctl',
    'queued',
    'turns',
    'served',
    'ended',
    'packed',
    'counts',
    'notices',
    'ix',
    'usage',
    'c',
    'cv',
    'cw',
  ],
  ...['ca', 'cbytes', 'doomed', 'procs', 'proc', 'secret', 'quarantine', 'run', 'run-of', 'file', 'files'],
  ...['files-bytes', 'lock', 'none', 'launch', 'sessions', 'timers'],
];

const KEYS: Readonly<Record<ProcessUser, readonly string[]>> = {
  api: [`~${KEY_PREFIX}:*`, `~${INGRESS_PREFIX}:*`],
  worker: [
    ...WORKER_KEYS.flatMap(name => [`~${KEY_PREFIX}:${name}`, `~${KEY_PREFIX}:${name}:*`]),
    ...[`%R~${KEY_PREFIX}:keys`, `%R~${KEY_PREFIX}:keys:version`, `~${KEY_PREFIX}:keys:used`],
    // It watches and repairs all queues, whoever takes their jobs.
    ...[`~${INGRESS_PREFIX}:ingress:*`, `~${INGRESS_PREFIX}:accepted:*`],
  ],
};

/**
 * The rights of a process, as `ACL SETUSER` takes them (Redis 7 and later, Valkey). Both step sessions and run sweeps,
 * so both use the same commands; they differ in their keys. No command that administers Redis is among them, none that
 * looks at all keys, and none for channels. A test makes every kind of call with them, and reads what Redis has
 * refused.
 *
 * @param canReadOnly - Redis 6.2 has no right to read only: a worker may then write API keys, too
 */
export const processRules = (user: ProcessUser, { canReadOnly = true } = {}): readonly string[] => [
  ...['resetkeys', 'resetchannels', '-@all'],
  ...KEYS[user].map(rule => (canReadOnly ? rule : rule.replace(/^%R~/, '~'))),
  ...[...CONNECTING, ...CLUSTER, ...SCRIPTS, ...DATA].map(command => `+${command}`),
];
