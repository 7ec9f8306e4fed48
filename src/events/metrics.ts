import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

const START_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60];
const LATENESS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60];
const LIFETIME_BUCKETS = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const REQUEST_BUCKETS = [0.002, 0.005, 0.015, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30];

/**
 * Every metric of a process, on a registry of its own. Names follow Prometheus' rules (base units, `_total`); labels
 * take their values from closed sets of ours, never an id, a URL or a user's word.
 */
export class Metrics {
  readonly registry = new Registry();

  readonly sessions = this.#gauge('sessions', 'Retained sessions of the installation by status.', ['status']);
  readonly sessionsCreated = this.#counter('sessions_created_total', 'Sessions accepted by this process.');
  readonly sessionsEnded = this.#counter('sessions_ended_total', 'Ends committed by this process.', [
    'outcome',
    'reason',
  ]);
  readonly startDuration = this.#histogram(
    'session_start_duration_seconds',
    'From accepted to live, of sessions this process saw to it.',
    START_BUCKETS,
  );
  readonly queueWait = this.#histogram(
    'session_queue_wait_seconds',
    'From accepted to the first claim by a worker.',
    START_BUCKETS,
  );
  readonly lifetime = this.#histogram(
    'session_lifetime_seconds',
    'From live to the end, of sessions that were live.',
    LIFETIME_BUCKETS,
    ['outcome'],
  );
  readonly timeoutLateness = this.#histogram(
    'timeout_lateness_seconds',
    'How long after its deadline a time-out was committed, by the layer of timers that did it.',
    LATENESS_BUCKETS,
    ['kind', 'layer'],
  );
  readonly sweepRepairs = this.#counter(
    'sweep_repairs_total',
    'Things a sweep had to put right; zero in health.',
    ['sweep'],
  );
  readonly jobsContained = this.#counter('jobs_contained_total', 'Jobs taken out of a queue unhandled.', [
    'queue',
    'reason',
  ]);
  readonly workerSlots = this.#gauge('worker_slots', 'Browser slots of this worker.', ['state']);
  readonly orphansReaped = this.#counter(
    'orphans_reaped_total',
    'Browsers without a session that the keeper of this worker has ended.',
  );
  readonly cdpConnections = this.#gauge('cdp_connections', 'Clients spliced through by this process.');
  readonly cdpUpgradeFailures = this.#counter('cdp_upgrade_failures_total', 'Refused or failed upgrades.', [
    'code',
  ]);
  readonly requestDuration = this.#histogram(
    'http_request_duration_seconds',
    'HTTP requests by route pattern.',
    REQUEST_BUCKETS,
    ['route', 'method', 'code'],
  );

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'holdfast_' });
  }

  /** The text that Prometheus scrapes. */
  async text(): Promise<string> {
    return this.registry.metrics();
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name: `holdfast_${name}`, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name: `holdfast_${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, buckets: number[], labelNames: string[] = []): Histogram {
    return new Histogram({ name: `holdfast_${name}`, help, buckets, labelNames, registers: [this.registry] });
  }
}
