import { TIMER_KINDS } from '../../machines/session/session.words';
import { DeadlineExceededError, withDeadline } from '../core/abort';
import type { Clock } from '../core/clock';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { ClusterMetrics } from '../metrics/cluster-metrics';
import { MirroredCounter, type BoundedGauge } from '../metrics/metric-registry';
import type { Metrics } from '../metrics/metrics';
import { RedisMetrics } from '../metrics/redis-metrics';
import type { InstallationFigures, ReadFigures } from '../queries/installation-figures';
import { isRedisAway } from '../redis/errors';
import type { ServerState } from '../store/health-store';

/** How long Redis may take to answer; a scrape must not wait longer for these numbers. */
const ANSWER_WITHIN_MS = 1_000;

/** Dependencies of {@link ClusterExporter}. */
export interface ClusterExporterParts {
  readonly metrics: Pick<Metrics, 'registry' | 'redisUp'>;
  readonly readFigures: ReadFigures;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Exports the numbers of the whole installation, or none when Redis does not answer: an old number would look current.
 */
export class ClusterExporter {
  readonly #cluster: ClusterMetrics;
  readonly #redis: RedisMetrics;
  readonly #commands: MirroredCounter;

  constructor(private readonly parts: ClusterExporterParts) {
    this.#cluster = new ClusterMetrics(parts.metrics.registry);
    this.#redis = new RedisMetrics(parts.metrics.registry);
    this.#commands = new MirroredCounter(this.#redis.commands, {});
  }

  /** Reads the numbers and sets the gauges. Never rejects. */
  async refresh(): Promise<void> {
    const { metrics, readFigures, clock, log } = this.parts;
    const askedMs = clock.monotonicMs();
    try {
      this.#show(await withDeadline('Redis', ANSWER_WITHIN_MS, readFigures()));
      this.#redis.response.set({}, (clock.monotonicMs() - askedMs) / 1000);
      metrics.redisUp.set({}, 1);
    } catch (error) {
      // An error reply also proves that Redis answers.
      const isUp = !isRedisAway(error) && !(error instanceof DeadlineExceededError);
      metrics.redisUp.set({}, Number(isUp));
      this.#clear();
      log[isUp ? 'warn' : 'debug'](
        { reason: messageOf(error) },
        'the metrics of the installation could not be read',
      );
    }
  }

  #show(figures: InstallationFigures): void {
    const { nowMs, sessions, contextBytes, capacity, lostWorkers, undone, queues, server } = figures;
    const to = this.#cluster;
    for (const [status, count] of Object.entries(sessions)) to.sessions.set({ status }, count);
    to.contextBytes.set({}, contextBytes);
    to.slots.set({ state: 'total' }, capacity.slots);
    to.slots.set({ state: 'used' }, capacity.used);
    to.slots.set({ state: 'free' }, capacity.free);
    to.workers.set({ state: 'alive' }, capacity.workers);
    to.workers.set({ state: 'draining' }, capacity.drainingWorkers);
    to.workers.set({ state: 'lost' }, lostWorkers);
    for (const kind of TIMER_KINDS) to.timeoutsOverdue.set({ kind }, undone.overdue[kind] ?? 0);
    to.orphans.set({ kind: 'browser' }, undone.browsers);
    to.orphans.set({ kind: 'effect' }, undone.effects);
    to.quarantinedJobs.set({}, undone.quarantined);
    // A queue that could not be read this time must not keep its old value.
    for (const gauge of [to.queueJobs, to.queueOldestWaiting]) gauge.clear();
    for (const { queue, jobs, oldestWaitingAtMs } of queues) {
      for (const [state, count] of Object.entries(jobs)) to.queueJobs.set({ queue, state }, count);
      const waitedMs = oldestWaitingAtMs === null ? 0 : Math.max(0, nowMs - oldestWaitingAtMs);
      to.queueOldestWaiting.set({ queue }, waitedMs / 1000);
    }
    this.#showServer(server);
  }

  #showServer(server: ServerState): void {
    const redis = this.#redis;
    setOrClear(redis.noEviction, asNumber(server.refusesWhenFull));
    setOrClear(redis.persistent, asNumber(server.isPersistent));
    setOrClear(redis.memoryUsed, server.memoryUsedBytes);
    setOrClear(redis.memoryMax, server.memoryMaxBytes);
    setOrClear(redis.clients, server.clients);
    if (server.commandsProcessed !== null) this.#commands.update(server.commandsProcessed);
  }

  #clear(): void {
    const { sessions, contextBytes, slots, workers, timeoutsOverdue, orphans } = this.#cluster;
    const { queueJobs, queueOldestWaiting, quarantinedJobs } = this.#cluster;
    const { noEviction, persistent, memoryUsed, memoryMax, clients, response } = this.#redis;
    const ofInstallation = [
      sessions,
      contextBytes,
      slots,
      workers,
      timeoutsOverdue,
      orphans,
      queueJobs,
      queueOldestWaiting,
      quarantinedJobs,
    ];
    const ofRedis = [noEviction, persistent, memoryUsed, memoryMax, clients, response];
    for (const gauge of [...ofInstallation, ...ofRedis]) gauge.clear();
  }
}

function setOrClear(gauge: BoundedGauge, value: number | null): void {
  if (value === null) gauge.clear();
  else gauge.set({}, value);
}

const asNumber = (fact: boolean | null): number | null => (fact === null ? null : Number(fact));
