import { LAUNCH_RESULTS, LAUNCH_STARTS, START_BUCKETS, WARM_END_CAUSES } from './label-values';
import type { BoundedCounter, BoundedGauge, BoundedHistogram, MetricRegistry } from './metric-registry';

const WAKE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.5, 2];
const RELEASE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 15];

/**
 * Metrics of a worker only: its machine's slots and browsers. The keeper has no metrics endpoint; its worker exports
 * its numbers.
 */
export class WorkerMetrics {
  readonly slots;
  readonly heartbeat;
  readonly launch;
  readonly releaseDuration;
  readonly browserProcesses;
  readonly browserMemory;
  readonly browserCpu;
  readonly memoryShort;
  readonly orphansReaped;
  readonly downloadsCut;
  readonly uploadsCut;
  readonly egress;
  readonly sleep;
  readonly keeperRegistrations;
  readonly keeperConnections;

  constructor(registry: MetricRegistry) {
    registry.of('worker');
    this.slots = registry.gauge({
      name: 'worker_slots',
      help: 'Browser slots of this worker. `draining`: all slots while the worker is drained, else 0. `warm`: free slots for which a browser is ready.',
      labels: { state: ['total', 'used', 'draining', 'warm'] },
    });
    this.heartbeat = registry.gauge({
      name: 'worker_heartbeat_timestamp_seconds',
      help: 'When this worker last renewed its lease, by its own clock.',
    });
    this.launch = launchMetrics(registry);
    this.releaseDuration = registry.histogram({
      name: 'session_release_duration_seconds',
      help: 'Time from the committed end until the browser and its files were gone.',
      buckets: RELEASE_BUCKETS,
    });
    this.browserProcesses = registry.gauge({
      name: 'browser_processes',
      help: 'Processes of the browsers of this machine. Linux only.',
    });
    this.browserMemory = registry.gauge({
      name: 'browser_resident_memory_bytes',
      help: 'Resident memory of these processes. Shared pages count once for each process. Linux only.',
    });
    this.browserCpu = registry.counter({
      name: 'browser_cpu_seconds_total',
      help: 'CPU time of browsers, sampled every 10 s. Time after the last sample is lost. Linux only.',
    });
    this.memoryShort = registry.gauge({
      name: 'worker_memory_short',
      help: '1 while launches wait because the memory of this machine is short, else 0.',
    });
    this.orphansReaped = registry.counter({
      name: 'orphans_reaped_total',
      help: 'Browsers without a session that the keeper of this worker has ended.',
    });
    this.downloadsCut = registry.counter({ name: 'downloads_cut_total', help: cutHelp('Downloads') });
    this.uploadsCut = registry.counter({ name: 'uploads_cut_total', help: cutHelp('Uploads') });
    this.egress = egressMetrics(registry);
    this.sleep = sleepMetrics(registry);
    this.keeperRegistrations = registry.counter({
      name: 'keeper_registrations_total',
      help: 'Registrations of this worker with a keeper: one at the start, and one after each lost keeper.',
    });
    this.keeperConnections = registry.gauge({
      name: 'keeper_gateway_connections',
      help: 'CDP clients from other machines that are connected through the keeper.',
    });
  }
}

const cutHelp = (files: string): string =>
  `${files} that were cut off at the quota of their session, or of its tenant.`;

/* What goes through the forward proxies of browsers. */
function egressMetrics(registry: MetricRegistry): {
  readonly bytes: BoundedCounter<'direction'>;
  readonly refused: BoundedCounter;
} {
  return {
    bytes: registry.counter({
      name: 'egress_bytes_total',
      help: 'Bytes that browsers have sent and received through their forward proxies. Others are not counted.',
      labels: { direction: ['sent', 'received'] },
    }),
    refused: registry.counter({
      name: 'egress_refused_total',
      help: 'Requests of browsers that the rules of egress have refused.',
    }),
  };
}

/* Browsers of sessions with `sleepAfter`. */
function sleepMetrics(registry: MetricRegistry): {
  readonly asleep: BoundedGauge;
  readonly sleeps: BoundedCounter;
  readonly wakes: BoundedCounter;
  readonly breaths: BoundedCounter;
  readonly wakeDuration: BoundedHistogram;
} {
  return {
    asleep: registry.gauge({ name: 'browsers_asleep', help: 'Browsers that sleep now.' }),
    sleeps: registry.counter({
      name: 'browser_sleeps_total',
      help: 'How often browsers have fallen asleep.',
    }),
    wakes: registry.counter({
      name: 'browser_wakes_total',
      help: 'How often browsers were woken, by clients or calls. The end of a session is no wake.',
    }),
    breaths: registry.counter({
      name: 'browser_breaths_total',
      help: 'How often what was overdue has run in a browser that sleeps.',
    }),
    wakeDuration: registry.histogram({
      name: 'browser_wake_duration_seconds',
      help: 'Time from the first byte of the client that woke a browser to its first byte from there.',
      buckets: WAKE_BUCKETS,
    }),
  };
}

/* How sessions get their browsers. */
function launchMetrics(registry: MetricRegistry): {
  readonly duration: BoundedHistogram<'result'>;
  readonly starts: BoundedCounter<'start'>;
  readonly warmEnded: BoundedCounter<'cause'>;
} {
  return {
    duration: registry.histogram({
      name: 'browser_launch_duration_seconds',
      help: 'Time from the order to the keeper until the browser was ready for its client, or had failed.',
      labels: { result: LAUNCH_RESULTS },
      buckets: START_BUCKETS,
    }),
    starts: registry.counter({
      name: 'browser_launches_total',
      help: 'Sessions that have got a browser: one that was started ahead (`warm`), or for them (`cold`).',
      labels: { start: LAUNCH_STARTS },
    }),
    warmEnded: registry.counter({
      name: 'warm_browsers_ended_total',
      help: 'Browsers that were started ahead and ended without a session: too old, not wanted, for want of slots or memory, or dead.',
      labels: { cause: WARM_END_CAUSES },
    }),
  };
}
