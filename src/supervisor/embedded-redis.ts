import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pollUntil } from '../core/abort';
import { isAlive, signalProcess, type ProcessIdentity, type ProcessTable } from '../core/process-identity';
import type { ProcessPlan, ReadyInfo } from './kept-process';
import { REDIS_HOST, type OwnRedisUser, type RedisAccess } from './redis-access';
import { isRedisResponsive, probeRedis } from './redis-probe';
import { askForSigns, type SignsListener } from './vital-signs';

/** Unix socket paths end at 104 to 108 bytes, and Node truncates longer ones silently. */
const MAX_SOCKET_PATH_BYTES = 100;

/** Loading a large append-only file takes long; the supervisor stays responsive meanwhile. */
const LOADING_TIMEOUT_MS = 3_600_000;
const PROBE_EVERY_MS = 10;

/** Redis writes its append-only file before it exits. */
const END_TIMEOUT_MS = 10_000;

/** How to start the Redis of a data folder. */
export interface EmbeddedRedisOptions {
  /** `redis-server` or `valkey-server`, absolute path. */
  readonly binary: string;
  /** Holds the data, the log and, if its path is short enough, the socket. */
  readonly dir: string;
  /** Folder of the socket when the path of `dir` is too long; only this user can enter it. */
  readonly shortDir: string;
  /** The Redis process of an earlier supervisor, if any. */
  readonly last: ProcessIdentity | null;
  readonly access: RedisAccess;
  readonly table: ProcessTable;
}

/**
 * The embedded Redis: on a Unix socket in a folder that only this user can enter, in a process group of its own, with
 * an append-only file, and users with passwords. If opened to other services, it also listens on loopback. A Redis that
 * outlived its supervisor is found again by asking the process that answers on the socket.
 */
export class EmbeddedRedis implements ProcessPlan {
  readonly role = 'redis';
  readonly socketPath: string;
  readonly logFile: string;

  constructor(private readonly options: EmbeddedRedisOptions) {
    this.logFile = join(options.dir, 'log');
    const preferred = join(options.dir, 'redis.sock');
    this.socketPath =
      Buffer.byteLength(preferred) <= MAX_SOCKET_PATH_BYTES
        ? preferred
        : join(options.shortDir, 'redis.sock');
  }

  /** For the `REDIS_URL` of a process. */
  urlFor(user: OwnRedisUser): string {
    // A URL can contain a password only together with a host.
    const authority = `${user}:${this.options.access.passwords[user]}@localhost`;
    return `unix://${authority}${this.socketPath.split('/').map(encodeURIComponent).join('/')}`;
  }

  /**
   * A second Redis on the same files would damage them, so the start waits as long as one is running. One that is taken
   * over loads its users again. A Redis whose access for other services differs from the settings, or that was started
   * without users by an earlier version, is ended first: a restart of Redis ends no session.
   *
   * @throws if it does not end, or if it wants an unknown password and its process is unknown too.
   */
  async find(): Promise<ProcessIdentity | null> {
    const { last, access, table } = this.options;
    const probe = await this.#probe(true);
    const known = last !== null && (await isAlive(table, last)) ? last : null;
    if (probe === null) return known;
    const living = probe === 'refused' ? known : await table.identify(probe.pid);
    const isSame = probe !== 'refused' && probe.hasUsers && probe.tcpPort === (access.port ?? 0);
    if (isSame) return living;
    if (living === null) throw new Error(`a Redis on ${this.socketPath} needs a password that is not known`);
    await this.#end(living);
    return null;
  }

  spawn(): ChildProcess {
    const { binary, dir } = this.options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (dirname(this.socketPath) !== dir) makePrivate(dirname(this.socketPath));
    const log = openSync(this.logFile, 'a', 0o600);
    try {
      return spawn(binary, this.#argv(), { cwd: dir, stdio: ['ignore', log, log], detached: true });
    } finally {
      closeSync(log);
    }
  }

  async ready(_child: ChildProcess | null, ended: AbortSignal): Promise<ReadyInfo> {
    return pollUntil(
      'redis',
      { timeoutMs: LOADING_TIMEOUT_MS, everyMs: PROBE_EVERY_MS, signal: ended },
      async () => {
        const probe = await this.#probe(false);
        return probe !== null && probe !== 'refused' && !probe.loading ? {} : undefined;
      },
    );
  }

  listen(_child: ChildProcess | null, listener: SignsListener): void {
    void askForSigns(() => isRedisResponsive(this.socketPath, listener.silentMs), listener);
  }

  /** Removes the files of a stopped Redis outside the data folder. */
  async clean(): Promise<void> {
    if (dirname(this.socketPath) !== this.options.dir) {
      await rm(this.options.shortDir, { recursive: true, force: true });
    }
  }

  async #probe(loadsUsers: boolean): ReturnType<typeof probeRedis> {
    return probeRedis(this.socketPath, { password: this.options.access.passwords.default, loadsUsers });
  }

  async #end(living: ProcessIdentity): Promise<void> {
    const { table } = this.options;
    await signalProcess(table, living, 'SIGTERM');
    await pollUntil(
      'end of a Redis with other settings',
      { timeoutMs: END_TIMEOUT_MS, everyMs: PROBE_EVERY_MS },
      async () => ((await isAlive(table, living)) ? undefined : true),
    );
  }

  #argv(): string[] {
    const { access } = this.options;
    const settings: Record<string, string> = {
      port: String(access.port ?? 0),
      ...(access.port === null ? {} : { bind: REDIS_HOST }),
      // In a file, because every user can read a command line.
      aclfile: access.aclFile,
      unixsocket: this.socketPath,
      unixsocketperm: '700',
      dir: this.options.dir,
      daemonize: 'no',
      supervised: 'no',
      appendonly: 'yes',
      appendfsync: 'everysec',
      save: '',
      // BullMQ needs this policy.
      'maxmemory-policy': 'noeviction',
      // The rate of Redis' own timer, in Hz, on which expiry and Holdfast's timers depend.
      hz: '100',
      // After so many milliseconds of a script, other clients get BUSY. Again the older of two names.
      'lua-time-limit': '1000',
      // A row fits a listpack: 588 bytes instead of 1064. The older of the two names; every version knows it.
      'hash-max-ziplist-value': '1024',
      // A block of an index with long ids is one, too.
      'zset-max-ziplist-value': '128',
    };
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  }
}

/**
 * Creates a folder that only this user can enter.
 *
 * @throws if a folder of another user is there already: any user can create one in the system's temporary folder.
 */
function makePrivate(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o077) !== 0) {
    throw new Error(`${path} exists and is open to others; remove it`);
  }
}
