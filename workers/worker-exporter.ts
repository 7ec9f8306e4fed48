import type { Clock } from '../src/core/clock';
import { NO_SLEEP, type SleepCounts } from '../src/core/sleep-counts';
import { NO_TRAFFIC } from '../src/core/traffic';
import { WARM_END_CAUSES } from '../src/core/warm-end-causes';
import type { LaunchResult } from '../src/metrics/label-values';
import { MirroredCounter } from '../src/metrics/metric-registry';
import type { Metrics } from '../src/metrics/metrics';
import { WorkerMetrics } from '../src/metrics/worker-metrics';
import type { KeeperStats, WarmCounts } from './keeper/door/protocol';

/** Of a keeper that starts none ahead. */
const NO_WARM: WarmCounts = { ready: 0, ended: { aged: 0, demand: 0, room: 0, memory: 0, died: 0 } };

/** Dependencies of {@link WorkerExporter}. */
export interface WorkerExporterParts {
  readonly metrics: Pick<Metrics, 'registry'>;
  readonly clock: Clock;
}

/** Exports metrics of a worker and of its keeper. */
export class WorkerExporter {
  readonly #worker: WorkerMetrics;
  readonly #orphansReaped: MirroredCounter;
  readonly #downloadsCut: MirroredCounter;
  readonly #uploadsCut: MirroredCounter;
  readonly #sentBytes;
  readonly #receivedBytes;
  readonly #egressRefused: MirroredCounter;
  readonly #browserCpu: MirroredCounter;
  readonly #warmEnded;
  readonly #sleeps: MirroredCounter;
  readonly #wakes: MirroredCounter;
  readonly #breaths: MirroredCounter;
  /** The number of the latest wake that was observed; null: those before this process are not. */
  #lastWake: number | null = null;

  constructor(private readonly parts: WorkerExporterParts) {
    this.#worker = new WorkerMetrics(parts.metrics.registry);
    this.#orphansReaped = new MirroredCounter(this.#worker.orphansReaped, {});
    this.#downloadsCut = new MirroredCounter(this.#worker.downloadsCut, {});
    this.#uploadsCut = new MirroredCounter(this.#worker.uploadsCut, {});
    this.#sentBytes = new MirroredCounter(this.#worker.egress.bytes, { direction: 'sent' });
    this.#receivedBytes = new MirroredCounter(this.#worker.egress.bytes, { direction: 'received' });
    this.#egressRefused = new MirroredCounter(this.#worker.egress.refused, {});
    this.#browserCpu = new MirroredCounter(this.#worker.browserCpu, {});
    this.#sleeps = new MirroredCounter(this.#worker.sleep.sleeps, {});
    this.#wakes = new MirroredCounter(this.#worker.sleep.wakes, {});
    this.#breaths = new MirroredCounter(this.#worker.sleep.breaths, {});
    this.#warmEnded = WARM_END_CAUSES.map(cause => ({
      cause,
      counter: new MirroredCounter(this.#worker.launch.warmEnded, { cause }),
    }));
  }

  /** Takes the keeper's latest figures. */
  observeKeeper({
    slots,
    used,
    orphansReaped,
    warm = NO_WARM,
    sleep = NO_SLEEP,
    downloadsCut = 0,
    uploadsCut = 0,
    egress = NO_TRAFFIC,
    gatewayConnections,
    load,
    isMemoryShort = false,
  }: KeeperStats): void {
    this.#worker.slots.set({ state: 'total' }, slots);
    this.#worker.slots.set({ state: 'used' }, used);
    this.#worker.slots.set({ state: 'warm' }, warm.ready);
    for (const { cause, counter } of this.#warmEnded) counter.update(warm.ended[cause]);
    this.#observeSleep(sleep);
    this.#worker.keeperConnections.set({}, gatewayConnections);
    this.#worker.memoryShort.set({}, isMemoryShort ? 1 : 0);
    this.#orphansReaped.update(orphansReaped);
    this.#downloadsCut.update(downloadsCut);
    this.#uploadsCut.update(uploadsCut);
    this.#sentBytes.update(egress.sentBytes);
    this.#receivedBytes.update(egress.receivedBytes);
    this.#egressRefused.update(egress.refused);
    if (load === null) return;
    this.#worker.browserProcesses.set({}, load.processes);
    this.#worker.browserMemory.set({}, load.residentBytes);
    this.#browserCpu.update(load.cpuSeconds);
  }

  #observeSleep({ asleep, sleeps, wakes, breaths = 0, latest }: SleepCounts): void {
    this.#worker.sleep.asleep.set({}, asleep);
    this.#sleeps.update(sleeps);
    this.#wakes.update(wakes);
    this.#breaths.update(breaths);
    const newest = latest.at(-1)?.n ?? 0;
    // A new keeper counts from the beginning.
    const before = this.#lastWake === null ? newest : Math.min(this.#lastWake, newest);
    for (const { n, tookMs } of latest)
      if (n > before) this.#worker.sleep.wakeDuration.observe({}, tookMs / 1000);
    this.#lastWake = newest;
  }

  /** The lease was renewed. `drainingSlots`: all slots while nothing is launched here, else 0. */
  leaseRenewed(drainingSlots: number): void {
    this.#worker.heartbeat.set({}, this.parts.clock.nowMs() / 1000);
    this.#worker.slots.set({ state: 'draining' }, drainingSlots);
  }

  /** This process has registered with a keeper. */
  registered(): void {
    this.#worker.keeperRegistrations.inc({});
  }

  /** A launch has ended, `sinceMs` on the monotonic clock after the order to the keeper. */
  launched(result: LaunchResult, sinceMs: number): void {
    this.#worker.launch.duration.observe({ result }, (this.parts.clock.monotonicMs() - sinceMs) / 1000);
  }

  /** A session has got its browser. */
  started(isWarm: boolean): void {
    this.#worker.launch.starts.inc({ start: isWarm ? 'warm' : 'cold' });
  }

  /** A browser is gone, this long after its session has ended. */
  browserGone(afterMs: number): void {
    this.#worker.releaseDuration.observe({}, afterMs / 1000);
  }
}
