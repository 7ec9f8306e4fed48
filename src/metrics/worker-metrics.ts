import { LAUNCH_RESULTS, START_BUCKETS } from './label-values';
import type { MetricRegistry } from './metric-registry';

const RELEASE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 15];

/**
 * Metrics of a worker only: its machine's slots and browsers. The keeper has no metrics endpoint; its worker exports
 * its numbers.
 */
export class WorkerMetrics {
  readonly slots;
  readonly heartbeat;
  readonly launchDuration;
  readonly releaseDuration;
  readonly browserProcesses;
  readonly browserMemory;
  readonly browserCpu;
  readonly orphansReaped;
  readonly downloadsCut;
  readonly keeperRegistrations;
  readonly keeperConnections;

  constructor(registry: MetricRegistry) {
    registry.of('worker');
    this.slots = registry.gauge({
      name: 'worker_slots',
      help: 'Browser slots of this worker; `draining` are all of them while it launches nothing, else 0.',
      labels: { state: ['total', 'used', 'draining'] },
    });
    this.heartbeat = registry.gauge({
      name: 'worker_heartbeat_timestamp_seconds',
      help: 'When this worker has last renewed its lease, by its own clock.',
    });
    this.launchDuration = registry.histogram({
      name: 'browser_launch_duration_seconds',
      help: 'From the order to the keeper to a browser that is ready for its client, or to the failure.',
      labels: { result: LAUNCH_RESULTS },
      buckets: START_BUCKETS,
    });
    this.releaseDuration = registry.histogram({
      name: 'session_release_duration_seconds',
      help: 'From the committed end to a browser that is gone with everything it left.',
      buckets: RELEASE_BUCKETS,
    });
    this.browserProcesses = registry.gauge({
      name: 'browser_processes',
      help: "Processes of this machine's browsers. Linux only.",
    });
    this.browserMemory = registry.gauge({
      name: 'browser_resident_memory_bytes',
      help: 'Their resident memory; pages they share count once for each of them. Linux only.',
    });
    this.browserCpu = registry.counter({
      name: 'browser_cpu_seconds_total',
      help: 'CPU time of browsers, looked at every 10 s: what one has used after the last look is lost. Linux only.',
    });
    this.orphansReaped = registry.counter({
      name: 'orphans_reaped_total',
      help: 'Browsers without a session that the keeper of this worker has ended.',
    });
    const help = 'Downloads that were cut at the quota of their session.';
    this.downloadsCut = registry.counter({ name: 'downloads_cut_total', help });
    this.keeperRegistrations = registry.counter({
      name: 'keeper_registrations_total',
      help: 'How often this worker has registered with a keeper: once, and once more for each keeper that was lost.',
    });
    this.keeperConnections = registry.gauge({
      name: 'keeper_gateway_connections',
      help: 'CDP clients from other machines that are spliced through by the keeper.',
    });
  }
}
