import { hostname } from 'node:os';
import type { Config } from './config/config';
import { packageVersion } from './config/version';
import type { BlobStore } from './blobs/blob-store';
import { openBlobs } from './blobs/open-blobs';
import { commitVersion, type CommitVersion } from './engine/commit-version';
import { systemClock, type Clock } from './core/clock';
import { randomId } from './core/ids';
import { Lifecycle } from './core/lifecycle';
import type { Logger } from './core/logger';
import { CommandSender } from './engine/command-sender';
import { EffectRelay } from './engine/effect-relay';
import { RedisContact } from './engine/redis-contact';
import { Stepper } from './engine/stepper';
import { Timeouts } from './engine/timeouts';
import { Waiters } from './engine/waiters';
import { Metrics } from './metrics/metrics';
import { Report } from './metrics/report';
import type { ConsumerBase } from './queue/consumer';
import { Producer } from './queue/producer';
import { blockingOptions, homesOf, openCommandRedis, openRedis, type Redis } from './redis/connection';
import { ScriptRunner } from './redis/script-runner';
import { ScriptWatch } from './redis/script-watch';
import { untilRedisServes } from './redis/until-redis-serves';
import { AuditStore } from './store/audit-store';
import { ActivityStore } from './store/activity-store';
import { ArmingStore } from './store/arming-store';
import { ClosingStore } from './store/closing-store';
import { ContextIndex } from './store/contexts/context-index';
import { ContextStore } from './store/contexts/context-store';
import { ContextVersions } from './store/contexts/context-versions';
import { ContextWriters } from './store/contexts/context-writers';
import { DoomedBlobs } from './store/contexts/doomed-blobs';
import { EventLog } from './store/event-log';
import { FileStore } from './store/file-store';
import { KeyStore } from './store/key-store';
import { LeaseStore } from './store/lease-store';
import { MaintenanceStore } from './store/maintenance-store';
import { NoticeStream } from './store/notice-stream';
import { PackStore } from './store/pack-store';
import { QuarantineStore } from './store/quarantine-store';
import { QueueWatch } from './store/queue-watch';
import { SaveStore } from './store/save-store';
import { RunStore } from './store/run-store';
import { SessionIndex } from './store/session-index';
import { SessionStore } from './store/session-store';
import { UsageStore } from './store/usage-store';
import { WorkerStore } from './store/worker-store';

/** The stores, all on one command connection. */
export interface Stores {
  readonly sessions: SessionStore;
  readonly index: SessionIndex;
  readonly leases: LeaseStore;
  readonly closing: ClosingStore;
  readonly activity: ActivityStore;
  readonly eventLog: EventLog;
  readonly maintenance: MaintenanceStore;
  readonly arming: ArmingStore;
  readonly packing: PackStore;
  readonly usage: UsageStore;
  readonly workers: WorkerStore;
  readonly quarantine: QuarantineStore;
  readonly queueWatch: QueueWatch;
  readonly contexts: ContextStore;
  readonly contextIndex: ContextIndex;
  readonly contextVersions: ContextVersions;
  readonly contextWriters: ContextWriters;
  readonly doomedBlobs: DoomedBlobs;
  readonly saves: SaveStore;
  readonly files: FileStore;
  readonly apiKeys: KeyStore;
  readonly audit: AuditStore;
  readonly runs: RunStore;
  readonly scripts: ScriptRunner;
}

/** What API and worker processes have in common: everything needed to step machines. */
export interface Deps extends Stores {
  readonly config: Config;
  readonly redisUrl: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  /** Names this process in heartbeats: host, pid and something random. */
  readonly processId: string;
  readonly redis: Redis;
  readonly notices: NoticeStream;
  readonly producer: Producer;
  readonly metrics: Metrics;
  readonly report: Report;
  readonly stepper: Stepper;
  readonly relay: EffectRelay;
  readonly contact: RedisContact;
  readonly timeouts: Timeouts;
  readonly waiters: Waiters;
  readonly commands: CommandSender;
  readonly consumerBase: ConsumerBase;
  readonly blobs: BlobStore;
  /** Makes versions of contexts. */
  readonly commitVersion: CommitVersion;
  /** Signs connect tokens; one secret for the whole installation. */
  readonly secret: string;
}

/**
 * Composition root shared by API and worker. Waits for a Redis that accepts writes, and opens connections. The notices
 * are not read until somebody starts that. `lifecycle.close()` closes everything in reverse order.
 */
export async function openDeps(config: Config, redisUrl: string, log: Logger): Promise<Deps> {
  const lifecycle = new Lifecycle();
  const clock = systemClock;
  const redis = await openCommandRedis(redisUrl, log);
  lifecycle.defer('redis', () => redis.disconnect());
  const stores = openStores(redis);
  const producer = new Producer(redis, log);
  lifecycle.defer('producer', () => producer.close());
  await producer.ready();
  const notices = new NoticeStream(() => openRedis(blockingOptions(redisUrl), log), clock, log);
  lifecycle.defer('notices', () => notices.close());
  watchScripts(redisUrl, lifecycle, log);

  const blobs = openBlobs(config, clock);
  lifecycle.defer('storage', () => blobs.close());
  const metrics = new Metrics({ version: packageVersion(), node: process.versions.node });
  const report = new Report(metrics, log);
  const relay = new EffectRelay(producer, stores.maintenance, log);
  const stepper = new Stepper(stores.sessions, relay, report);
  const quarantine = quarantineWith(stores.quarantine, report);
  const contact = new RedisContact({ maintenance: stores.maintenance, clock });
  const waiters = new Waiters(notices, stores.closing);
  return {
    ...stores,
    config,
    redisUrl,
    log,
    clock,
    lifecycle,
    processId: `${hostname()}-${process.pid}-${randomId()}`,
    redis,
    notices,
    producer,
    metrics,
    report,
    stepper,
    relay,
    contact,
    timeouts: new Timeouts(stepper, stores.maintenance, report, contact),
    waiters,
    commands: new CommandSender({ producer, waiters, stepper, report, log }),
    blobs,
    commitVersion: commitVersion({ contextVersions: stores.contextVersions, report }),
    consumerBase: { redisUrl, clock, log, quarantine, report },
    // Last: it may have to wait for Redis, and as little as possible should follow a wait.
    secret: config.secret ?? (await settleSecret(stores.maintenance, log)),
  };
}

async function settleSecret(maintenance: MaintenanceStore, log: Logger): Promise<string> {
  const candidate = `${randomId()}${randomId()}`;
  return untilRedisServes('the secret of the installation', log, () => maintenance.secret(candidate));
}

function openStores(redis: Redis): Stores {
  const scripts = new ScriptRunner(redis);
  const quarantine = new QuarantineStore(redis, scripts, systemClock);
  return {
    sessions: new SessionStore(redis, scripts),
    index: new SessionIndex(redis, scripts),
    leases: new LeaseStore(redis, scripts),
    closing: new ClosingStore(redis, scripts),
    activity: new ActivityStore(redis, scripts),
    eventLog: new EventLog(redis),
    maintenance: new MaintenanceStore(redis, scripts),
    arming: new ArmingStore(redis, scripts),
    packing: new PackStore(redis, scripts),
    usage: new UsageStore(redis),
    workers: new WorkerStore(redis),
    quarantine,
    queueWatch: new QueueWatch(redis, scripts, quarantine),
    contexts: new ContextStore(redis, scripts),
    contextIndex: new ContextIndex(redis, scripts),
    contextVersions: new ContextVersions(redis, scripts),
    contextWriters: new ContextWriters(redis, scripts),
    doomedBlobs: new DoomedBlobs(redis),
    saves: new SaveStore(redis, scripts),
    files: new FileStore(redis, scripts),
    apiKeys: new KeyStore(redis, scripts),
    audit: new AuditStore(redis),
    runs: new RunStore(redis),
    scripts,
  };
}

/* In a cluster an endless script stops one node only. */
function watchScripts(redisUrl: string, lifecycle: Lifecycle, log: Logger): void {
  for (const home of homesOf(redisUrl)) {
    const watch = new ScriptWatch({ redisUrl, home, mayShutDown: false, log });
    lifecycle.defer('script watch', () => watch.stop());
    watch.start();
  }
}

/* A job that is given up is counted, logged and kept for operators. */
function quarantineWith(quarantine: QuarantineStore, report: Report): ConsumerBase['quarantine'] {
  return async job => report.quarantined(await quarantine.put(job));
}
