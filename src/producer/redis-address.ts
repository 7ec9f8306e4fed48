import type { RedisOptions } from 'ioredis';

/** Where a Redis is, in the words of ioredis; `clusterNodes` are for its `Cluster`. */
export type RedisAddress = { readonly clusterNodes?: readonly HostAndPort[] } & Pick<
  { [K in keyof RedisOptions]: NonNullable<RedisOptions[K]> },
  | 'path'
  | 'host'
  | 'port'
  | 'db'
  | 'username'
  | 'password'
  | 'tls'
  | 'sentinels'
  | 'name'
  | 'sentinelUsername'
  | 'sentinelPassword'
  | 'enableTLSForSentinelMode'
  | 'failoverDetector'
  | 'sentinelRetryStrategy'
>;

interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 6_379;
const DEFAULT_SENTINEL_PORT = 26_379;

/** How long all sentinels are left alone when none of them names a primary: a failover takes a second or more. */
const SENTINEL_RETRY_MS = 200;

/** Scheme, credentials, hosts, name, database, options: several hosts are not a URL to Node. */
const SENTINEL =
  /^(?<scheme>rediss?)\+sentinel:\/\/(?:(?<user>[^:@/?#]*)(?::(?<password>[^@/?#]*))?@)?(?<hosts>[^@/?#]+)\/(?<name>[^/?#]+)(?:\/(?<db>\d+))?(?:\?(?<options>[^#]*))?$/;

/** The same without name, database and options: a cluster has one database. */
const CLUSTER =
  /^(?<scheme>rediss?)\+cluster:\/\/(?:(?<user>[^:@/?#]*)(?::(?<password>[^@/?#]*))?@)?(?<hosts>[^@/?#]+)\/?$/;

/**
 * Reads where a Redis is:
 *
 * - `redis[s]://user:password@host:port/db`
 * - `unix:///path/to/redis.sock`, with a password `unix://user:password@localhost/path/to/redis.sock`
 * - `redis[s]+sentinel://user:password@host:port,host:port/name/db`: the primary that these sentinels name. Credentials
 *   are those of the primary; those of the sentinels are `?sentinelUsername=…&sentinelPassword=…`
 * - `redis[s]+cluster://user:password@host:port,host:port`: the cluster that any of these nodes belongs to
 *
 * @throws TypeError if it is none of these.
 */
export function redisAddress(url: string): RedisAddress {
  const groups = SENTINEL.exec(url)?.groups;
  if (groups !== undefined) return sentinelAddress(groups);
  const cluster = CLUSTER.exec(url)?.groups;
  if (cluster !== undefined) return clusterAddress(cluster);
  const parsed = new URL(url);
  const { protocol, pathname, hostname, port } = parsed;
  const credentials = credentialsOf(parsed.username, parsed.password);
  if (protocol === 'unix:') return { path: decodeURIComponent(pathname), ...credentials };
  if (protocol !== 'redis:' && protocol !== 'rediss:')
    throw new TypeError(`${protocol} is no scheme of Redis`);
  return {
    host: hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: port === '' ? DEFAULT_PORT : Number(port),
    db: Number(pathname.slice(1)) || 0,
    ...credentials,
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

function sentinelAddress(groups: Readonly<Record<string, string | undefined>>): RedisAddress {
  const { scheme, user = '', password = '', hosts = '', name = '', db = '0', options = '' } = groups;
  const query = new URLSearchParams(options);
  const [sentinelUsername, sentinelPassword] = [query.get('sentinelUsername'), query.get('sentinelPassword')];
  return {
    sentinels: hosts.split(',').map(text => hostAndPort(text, DEFAULT_SENTINEL_PORT)),
    name: decodeURIComponent(name),
    db: Number(db),
    ...credentialsOf(user, password),
    ...(sentinelUsername === null ? {} : { sentinelUsername }),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
    ...(scheme === 'rediss' ? { tls: {}, enableTLSForSentinelMode: true } : {}),
    // A primary that is only unreachable for the sentinels would keep its clients, and lose what they write.
    failoverDetector: true,
    sentinelRetryStrategy: () => SENTINEL_RETRY_MS,
  };
}

function clusterAddress(groups: Readonly<Record<string, string | undefined>>): RedisAddress {
  const { scheme, user = '', password = '', hosts = '' } = groups;
  return {
    clusterNodes: hosts.split(',').map(text => hostAndPort(text, DEFAULT_PORT)),
    ...credentialsOf(user, password),
    ...(scheme === 'rediss' ? { tls: {} } : {}),
  };
}

function hostAndPort(text: string, defaultPort: number): HostAndPort {
  const { hostname, port } = new URL(`redis://${text}`);
  if (hostname === '') throw new TypeError(`${text} has no host`);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? defaultPort : Number(port),
  };
}

function credentialsOf(username: string, password: string): Pick<RedisAddress, 'username' | 'password'> {
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}
