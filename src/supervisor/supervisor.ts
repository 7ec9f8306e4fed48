import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hostInUrl } from '../config/address';
import { ConfigError, type Config } from '../config/config';
import { childEnvironment } from '../config/env';
import { DeadlineExceededError, pollUntil } from '../core/abort';
import { readTlsFiles } from '../core/tls-files';
import { systemClock } from '../core/clock';
import { messageOf, systemCodeOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { isAlive, signalProcess, type ProcessTable } from '../core/process-identity';
import type { ProcessUser } from '../redis/process-acl';
import { ScriptWatch } from '../redis/script-watch';
import { keeperSocketOf } from '../../workers/keeper/host';
import { ChildrenFile } from './children-file';
import { DataLock } from './data-lock';
import type { EmbeddedRedis } from './embedded-redis';
import { KeeperChild } from './keeper-child';
import { KeptProcess, type KeepingContext, type KeptProcessHooks, type ReadyInfo } from './kept-process';
import { LeaseExtension } from './lease-extension';
import { NodeChild } from './node-child';
import { isPortFree } from './port-check';
import { planRedis } from './plan-redis';
import { DRAIN_ORDER, type Mode, type NodeRole, type Patience, type Role } from './roles';
import { StartError } from './start-error';

/** Dependencies of {@link Supervisor}. Entry points are passed in, so that tests can supervise stubs. */
export interface SupervisorOptions {
  readonly mode: Mode;
  readonly config: Config;
  /** Absolute paths of the programs. */
  readonly entries: Readonly<Record<NodeRole, string>>;
  /** `redis-server` or `valkey-server`; needed by mode `start` without a Redis URL. */
  readonly redisBinary: string | null;
  /** Folder of the Redis socket when the data folder's path is too long. */
  readonly shortDir: string;
  readonly table: ProcessTable;
  readonly patience: Readonly<Record<Role, Patience>>;
  readonly log: Logger;
}

/** With which user each process logs in. */
type RedisUrls = Readonly<Record<ProcessUser, string>>;

/**
 * An API or worker of a crashed supervisor ends by itself when its IPC breaks; a frozen one is killed after this time.
 */
const LEFTOVER_GRACE_MS = 2_000;

/**
 * Parent of Redis, keeper, worker and API, which are siblings: it starts them, restarts them when they die, and ends
 * them in order. A keeper and a Redis that outlived an earlier supervisor are taken over, so that its crash ends no
 * session.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #kept = new Map<Role, KeptProcess>();
  readonly #draining = new AbortController();
  readonly #hurry = new AbortController();
  #starting: Promise<unknown> | null = null;
  #lock: DataLock | null = null;
  #redis: EmbeddedRedis | null = null;
  /** Ends the embedded Redis for an endless script, which its other users may not. */
  #scriptWatch: ScriptWatch | null = null;
  #children: ChildrenFile | null = null;
  /** The lease of this machine's worker, if the mode has one. */
  #lease: LeaseExtension | null = null;
  /** Set once the API has bound a port that the system chose: after a restart the same URL must work. */
  #apiPort: string | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /**
   * Starts everything and resolves with the API's URL (null if the mode has no API) when all roles serve; null also
   * when a drain came first.
   *
   * @throws AlreadyRunningError if another supervisor holds the data folder.
   * @throws ConfigError if a mode that needs REDIS_URL has none, if it sets a port for a Redis that is not the embedded
   *   one, or a certificate that cannot be used.
   * @throws StartError if a port is taken or there is no Redis to start.
   */
  async start(): Promise<string | null> {
    const starting = this.#start();
    this.#starting = starting;
    return starting;
  }

  /** Ends everything in order, within 10 s. A drain that comes during the start ends what was started. */
  async drain(): Promise<void> {
    this.#draining.abort();
    // The caller of `start` handles its failure.
    await this.#starting?.catch(() => undefined);
    await this.#lease?.end();
    for (const kept of this.#kept.values()) kept.endWatch();
    await this.#scriptWatch?.stop();
    const startedMs = systemClock.monotonicMs();
    for (const [role, { untilMs, hurriedMs }] of DRAIN_ORDER) {
      const kept = this.#kept.get(role);
      if (kept === undefined) continue;
      const graceMs = Math.max(0, untilMs - (systemClock.monotonicMs() - startedMs));
      await kept.stop({ graceMs, hurry: this.#hurry.signal, hurriedMs });
      this.#children?.forget(role);
    }
    await this.#redis?.clean();
    await this.#lock?.release();
  }

  /** Shortens the graces of a running drain. */
  hurry(): void {
    this.#hurry.abort();
  }

  /** The pid of a role's current process. */
  pidOf(role: Role): number | undefined {
    return this.#kept.get(role)?.pid;
  }

  async #start(): Promise<string | null> {
    const { mode, config } = this.#options;
    if (mode !== 'start' && config.redisUrl === null) {
      throw new ConfigError([`REDIS_URL: must be set, because \`holdfast ${mode}\` does not start a Redis`]);
    }
    if (config.redisUrl !== null && config.redisPort !== null) {
      throw new ConfigError([
        'HOLDFAST_REDIS_PORT: is for the embedded Redis, but REDIS_URL names another one',
      ]);
    }
    if (mode === 'api') this.#children = await this.#openChildrenFile(null);
    else await this.#takeDataFolder(mode);
    if (mode !== 'worker') await this.#checkFronts();
    const urls = config.redisUrl === null ? await this.#startRedis() : sameForAll(config.redisUrl);
    if (mode !== 'api') await this.#keepWorkerMachine(urls);
    if (mode !== 'worker') this.#keepNode('api', urls, { onReady: info => this.#noteUrl(info) });
    const infos = await this.#untilDraining(
      Promise.all([...this.#kept.values()].map(kept => kept.firstReady)),
    );
    const url = infos?.find(info => info.url !== undefined)?.url ?? null;
    if (url !== null) await this.#lock?.announce(url);
    return url;
  }

  /** Keeper and worker; until the worker serves, and whenever there is none, the supervisor extends its lease. */
  async #keepWorkerMachine(urls: RedisUrls): Promise<void> {
    const { config, entries, table, log } = this.#options;
    const keeper = new KeeperChild({
      entry: entries.keeper,
      environment: this.#environmentOf('keeper', urls),
      socketPath: await keeperSocketOf(config.dataDir),
      last: this.#childrenFile().last('keeper'),
      table,
    });
    const lease = new LeaseExtension({
      redisUrl: urls.worker,
      workerId: () => keeper.hostId,
      clock: systemClock,
      log,
    });
    this.#lease = lease;
    if (this.#draining.signal.aborted) return;
    lease.begin();
    this.#keep(new KeptProcess(keeper, this.#context()));
    this.#keepNode('worker', urls, {
      onReady: () => void lease.end(),
      onEnded: () => lease.begin(),
    });
  }

  #keepNode(role: NodeRole, urls: RedisUrls, hooks: KeptProcessHooks): void {
    const entry = this.#options.entries[role];
    const environment = this.#environmentOf(role, urls);
    this.#keep(new KeptProcess(new NodeChild(role, { entry, environment }), this.#context(), hooks));
  }

  /** Mode `api` does not call this: it stores nothing in the data folder, so several may share it with a worker. */
  async #takeDataFolder(mode: 'start' | 'worker'): Promise<void> {
    const { config, table, log } = this.#options;
    const url = mode === 'start' ? plannedUrl(config) : null;
    try {
      // Browsers run under another uid and pass through the data folder to their run directories.
      await mkdir(config.dataDir, { recursive: true, mode: 0o711 });
      this.#lock = await DataLock.acquire(lockPath(config.dataDir), table, url);
    } catch (error) {
      if (systemCodeOf(error) === null) throw error;
      throw new StartError(`the data folder ${config.dataDir} cannot be used: ${messageOf(error)}`);
    }
    this.#children = await this.#openChildrenFile(join(config.dataDir, 'children.json'));
    for (const role of ['worker', 'api'] as const) await endLeftover(role, this.#children, table, log);
  }

  async #openChildrenFile(path: string | null): Promise<ChildrenFile> {
    const { table, log } = this.#options;
    return new ChildrenFile(path, await table.bootId(), log);
  }

  /* What the API would fail at, again and again. */
  async #checkFronts(): Promise<void> {
    const { host, port, tls } = this.#options.config;
    if (tls !== null && tls.files !== null) await readTlsFiles(tls.files);
    const fronts = [
      { setting: 'HOLDFAST_PORT', at: host, wanted: port },
      { setting: 'HOLDFAST_TLS_PORT', at: tls?.host ?? host, wanted: tls?.port ?? 0 },
    ];
    for (const { setting, at, wanted } of fronts) {
      if (wanted !== 0 && !(await isPortFree(at, wanted)))
        throw new StartError(`${at}:${wanted} is in use by another program; set ${setting} to a free port`);
    }
  }

  async #startRedis(): Promise<RedisUrls> {
    const { log } = this.#options;
    const redis = await planRedis({ ...this.#options, last: this.#childrenFile().last('redis') });
    this.#redis = redis;
    const kept = this.#keep(new KeptProcess(redis, this.#context()));
    await this.#untilDraining(kept.firstReady);
    this.#scriptWatch = new ScriptWatch({ redisUrl: redis.urlFor('default'), mayShutDown: true, log });
    this.#scriptWatch.start();
    return { api: redis.urlFor('api'), worker: redis.urlFor('worker') };
  }

  /* A restarted API gets the port that it had. The keeper needs no Redis, so it gets no password for it. */
  #environmentOf(role: NodeRole, urls: RedisUrls): () => NodeJS.ProcessEnv {
    const redisUrl = role === 'keeper' ? '' : urls[role];
    return () =>
      childEnvironment({
        REDIS_URL: redisUrl,
        ...(this.#apiPort === null ? {} : { HOLDFAST_PORT: this.#apiPort }),
      });
  }

  #noteUrl(info: ReadyInfo): void {
    const { config } = this.#options;
    if (info.url !== undefined && config.port === 0 && config.publicUrl === null) {
      this.#apiPort = new URL(info.url).port;
    }
  }

  #keep(kept: KeptProcess): KeptProcess {
    this.#kept.set(kept.plan.role, kept);
    if (!this.#draining.signal.aborted) kept.start();
    return kept;
  }

  #context(): KeepingContext {
    const { table, log, patience } = this.#options;
    return { table, log, patience, children: this.#childrenFile() };
  }

  #childrenFile(): ChildrenFile {
    if (this.#children === null) throw new Error('the data folder was not taken');
    return this.#children;
  }

  /** The result of `work`, or null if a drain comes first. */
  async #untilDraining<T>(work: Promise<T>): Promise<T | null> {
    const { signal } = this.#draining;
    return new Promise((resolve, reject) => {
      if (signal.aborted) resolve(null);
      signal.addEventListener('abort', () => resolve(null), { once: true });
      work.then(resolve, reject);
    });
  }
}

const sameForAll = (url: string): RedisUrls => ({ api: url, worker: url });

/** The lock of a data folder. */
export function lockPath(dataDir: string): string {
  return join(dataDir, 'supervisor.lock');
}

/** The API's URL as far as it is known before the start. */
function plannedUrl({ publicUrl, host, port }: Config): string | null {
  if (publicUrl !== null) return publicUrl;
  return port === 0 ? null : `http://${hostInUrl(host)}:${port}`;
}

async function endLeftover(
  role: Role,
  children: ChildrenFile,
  table: ProcessTable,
  log: Logger,
): Promise<void> {
  const leftover = children.last(role);
  if (leftover === null) return;
  const gone = async (): Promise<true | undefined> => ((await isAlive(table, leftover)) ? undefined : true);
  try {
    await pollUntil(`end of the earlier ${role}`, { timeoutMs: LEFTOVER_GRACE_MS, everyMs: 20 }, gone);
  } catch (error) {
    if (!(error instanceof DeadlineExceededError)) throw error;
    log.warn(
      { role, childPid: leftover.pid },
      'a process of an earlier supervisor is still alive; killing it',
    );
    await signalProcess(table, leftover, 'SIGKILL');
  }
}
