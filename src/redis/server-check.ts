import { Redis } from 'ioredis';
import { withDeadline } from '../core/abort';
import { commandOptions } from './connection';
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
  const redis = new Redis({ ...commandOptions(url), lazyConnect: true, retryStrategy: () => null });
  let connectionError: Error | null = null;
  redis.on('error', error => (connectionError = error));
  try {
    await withDeadline('connecting to Redis', CHECK_TIMEOUT_MS, redis.connect());
    return reportOf(await redis.info());
  } catch (error) {
    // connect() rejects with "Connection is closed"; the reason is only in the `error` event.
    throw connectionError ?? error;
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

function hzWarning(hz: string | undefined): string | null {
  if (hz === undefined) return `hz is unknown, it should be ${WANTED_HZ}: time-outs may be late`;
  return Number(hz) >= WANTED_HZ
    ? null
    : `hz is ${hz}, not ${WANTED_HZ}: time-outs may be up to ${Math.ceil(1000 / Number(hz))} ms late`;
}
