import { QUEUES, STATUSES, TIMER_KINDS } from '../../machines/session/session.words';
import type { MetricRegistry } from './metric-registry';

/**
 * Metrics of the whole installation, read from Redis. Every API exports the same numbers and no worker does: take their
 * maximum over the instances, never the sum.
 */
export class ClusterMetrics {
  readonly sessions;
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
    this.slots = registry.gauge({
      name: 'slots',
      help: 'Browser slots of all living workers; `free` are those a session would get now.',
      labels: { state: ['total', 'used', 'free'] },
    });
    this.workers = registry.gauge({
      name: 'workers',
      help: 'Workers with a lease that holds (`alive`, of which `draining` launch nothing) or has lapsed (`lost`).',
      labels: { state: ['alive', 'draining', 'lost'] },
    });
    this.timeoutsOverdue = registry.gauge({
      name: 'timeouts_overdue',
      help: 'Deadlines that passed more than a second ago without an end, 1000 at most. Zero in health.',
      labels: { kind: TIMER_KINDS },
    });
    this.orphans = registry.gauge({
      name: 'orphans',
      help: 'Left behind: browsers of sessions that ended more than 5 s ago, effects not enqueued for 5 s.',
      labels: { kind: ['browser', 'effect'] },
    });
    this.queueJobs = registry.gauge({
      name: 'queue_jobs',
      help: "BullMQ's jobs by state.",
      labels: { queue: QUEUES, state: ['waiting', 'active', 'delayed', 'completed', 'failed'] },
    });
    this.queueOldestWaiting = registry.gauge({
      name: 'queue_oldest_waiting_seconds',
      help: 'Age of the job that has waited longest, by the time its producer has written on it; 0 if none waits.',
      labels: { queue: QUEUES },
    });
    this.quarantinedJobs = registry.gauge({
      name: 'quarantined_jobs',
      help: 'Jobs in quarantine, which somebody has to look at; the newest 1000 of seven days are kept.',
    });
  }
}
