import { withDeadline } from '../core/abort';
import { commandOptions, homesOf, openRedis } from './connection';
import { expectRightKind, wrongKindOf } from './right-kind';
import { parseInfo } from './server-info';

/** Version and settings of a Redis, and what is wrong with them. */
export interface RedisReport {
  readonly version: string;
  /** Sentences for the log and for `holdfast doctor`; empty: everything is as it should be. */
  readonly warnings: readonly string[];
}

const CHECK_TIMEOUT_MS = 3_000;
const OLDEST_VERSION = [6, 2] as const;
const WANTED_HZ = 100;

/**
 * Reads version and settings of a Redis that Holdfast does not configure. Everything comes from `INFO`, which managed
 * services allow where they forbid `CONFIG`.
 *
 * @throws the error of the connection, or DeadlineExceededError after 3 s.
 */
export async function checkRedisServer(url: string): Promise<RedisReport> {
  const reports = [];
  for (const home of homesOf(url)) reports.push(await checkAt(url, home));
  const [{ version } = { version: 'unknown' }] = reports;
  return { version, warnings: [...new Set(reports.flatMap(({ warnings }) => warnings))] };
}

async function checkAt(url: string, home: string): Promise<RedisReport> {
  const options = { ...commandOptions(url), lazyConnect: true, retryStrategy: () => null };
  let connectionError: unknown = null;
  const redis = openRedis(
    options,
    { warn: ({ err }) => (connectionError ??= err), info: () => undefined },
    home,
  );
  try {
    await withDeadline('connecting to Redis', CHECK_TIMEOUT_MS, redis.connect());
    await expectRightKind(redis);
    return reportOf(await redis.info());
  } catch (error) {
    // connect() rejects with "Connection is closed"; the reason is only in an event.
    throw wrongKindOf(connectionError) ?? connectionError ?? error;
  } finally {
    redis.disconnect();
  }
}

/** Judges the answer of `INFO`. A setting that is missing from it is reported as unknown. */
export function reportOf(info: string): RedisReport {
  const fields = parseInfo(info);
  const version = fields.get('valkey_version') ?? fields.get('redis_version') ?? 'unknown';
  return {
    version,
    warnings: [
      versionWarning(fields.get('redis_version')),
      settingWarning(
        fields,
        'maxmemory_policy',
        'noeviction',
        'Redis would evict sessions and jobs when its memory is full',
      ),
      settingWarning(
        fields,
        'aof_enabled',
        '1',
        'a restart of Redis would lose sessions (set appendonly yes)',
      ),
      settingWarning(fields, 'role', 'master', 'a replica refuses writes'),
      replicaWarning(fields),
      hzWarning(fields.get('configured_hz') ?? fields.get('hz')),
    ].filter(warning => warning !== null),
  };
}

function versionWarning(version: string | undefined): string | null {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
    ? null
    : `Redis ${version ?? 'of unknown version'} is older than ${OLDEST_VERSION.join('.')}, the ` +
        'oldest supported version';
}

function settingWarning(
  fields: ReadonlyMap<string, string>,
  name: string,
  wanted: string,
  otherwise: string,
): string | null {
  const value = fields.get(name);
  if (value === undefined) return `${name} is unknown, it should be ${wanted}: ${otherwise}`;
  return value === wanted ? null : `${name} is ${value}, not ${wanted}: ${otherwise}`;
}

function replicaWarning(fields: ReadonlyMap<string, string>): string | null {
  const isAlone = fields.get('cluster_enabled') === '1' && fields.get('connected_slaves') === '0';
  return isAlone ? 'a node of the cluster has no replica: if it is lost, so are the sessions' : null;
}

function hzWarning(hz: string | undefined): string | null {
  if (hz === undefined) return `hz is unknown, it should be ${WANTED_HZ}: time-outs may be late`;
  return Number(hz) >= WANTED_HZ
    ? null
    : `hz is ${hz}, not ${WANTED_HZ}: time-outs may be up to ${Math.ceil(1000 / Number(hz))} ms late`;
}
