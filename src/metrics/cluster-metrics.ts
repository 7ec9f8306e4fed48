import { QUEUES, STATUSES, TIMER_KINDS } from '../../machines/session/session.words';
import type { MetricRegistry } from './metric-registry';

/**
 * Metrics of the whole installation, read from Redis. Every API exports the same numbers and no worker does: take their
 * maximum over the instances, never the sum.
 */
export class ClusterMetrics {
  readonly sessions;
  readonly contextBytes;
  readonly slots;
  readonly workers;
  readonly timeoutsOverdue;
  readonly orphans;
  readonly queueJobs;
  readonly queueOldestWaiting;
  readonly quarantinedJobs;

  constructor(registry: MetricRegistry) {
    registry.of('API');
    this.sessions = registry.gauge({
      name: 'sessions',
      help: 'Retained sessions of the installation.',
      labels: { status: STATUSES },
    });
    this.contextBytes = registry.gauge({
      name: 'context_bytes',
      help: 'Size of all kept versions of contexts of the installation.',
    });
    this.slots = registry.gauge({
      name: 'slots',
      help: 'Browser slots of all workers that are alive; `free`: slots that a session could get now.',
      labels: { state: ['total', 'used', 'free'] },
    });
    this.workers = registry.gauge({
      name: 'workers',
      help:
        'Workers: `alive` has a valid lease, `draining` are those of them that launch nothing, `lost` ' +
        'has a lapsed lease.',
      labels: { state: ['alive', 'draining', 'lost'] },
    });
    this.timeoutsOverdue = registry.gauge({
      name: 'timeouts_overdue',
      help: 'Sessions whose deadline passed more than a second ago without a time-out, at most 1000. Normally 0.',
      labels: { kind: TIMER_KINDS },
    });
    this.orphans = registry.gauge({
      name: 'orphans',
      help: 'Browsers of sessions that ended more than 5 s ago, and effects that were not enqueued for 5 s.',
      labels: { kind: ['browser', 'effect'] },
    });
    this.queueJobs = registry.gauge({
      name: 'queue_jobs',
      help: 'Jobs in the queues, by their state in BullMQ.',
      labels: { queue: QUEUES, state: ['waiting', 'active', 'delayed', 'completed', 'failed'] },
    });
    this.queueOldestWaiting = registry.gauge({
      name: 'queue_oldest_waiting_seconds',
      help: 'Age of the job that has waited longest, from the timestamp of its producer. 0 if no job waits.',
      labels: { queue: QUEUES },
    });
    this.quarantinedJobs = registry.gauge({
      name: 'quarantined_jobs',
      help: 'Jobs in quarantine, for an operator to retry or discard. The newest 1000 of seven days are kept.',
    });
  }
}
