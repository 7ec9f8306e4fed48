import { QUOTA_NAMES } from '../config/quotas';
import { DELIVERY_OUTCOMES } from '../core/delivery-outcome';
import {
  CONTEXT_CHANGES,
  END_REASONS,
  JOB_NAMES,
  QUEUES,
  STATUSES,
  TIMER_KINDS,
  ENDED_STATUSES,
} from '../../machines/session/session.words';
import {
  QUARANTINE_REASONS,
  SAVE_RESULTS,
  SESSION_EVENTS,
  START_BUCKETS,
  SWEEPS,
  TIMER_LAYERS,
  KEY_REFUSALS,
} from './label-values';
import { MetricRegistry } from './metric-registry';

const LATENESS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60];
const LIFETIME_BUCKETS = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const JOB_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 15, 60];

/** Build of a process, as its metrics show it. */
export interface Build {
  readonly version: string;
  /** Version of Node, without the `v`. */
  readonly node: string;
}

/**
 * The metrics that API and worker processes have in common: the process that steps a session counts the step. Metrics
 * of only one of them are in {@link ApiMetrics}, {@link ClusterMetrics} and {@link WorkerMetrics}.
 */
export class Metrics {
  readonly registry = new MetricRegistry();

  readonly sessionsCreated = this.registry.counter({
    name: 'sessions_created_total',
    help: 'Sessions accepted by this process, by source.',
    labels: { source: ['api', 'queue'] },
  });
  readonly quotaRefusals = this.registry.counter({
    name: 'quota_refusals_total',
    help: 'Requests that this process has refused because a quota of their tenant was used up, by quota.',
    labels: { quota: QUOTA_NAMES },
    zeroed: QUOTA_NAMES.map(quota => ({ quota })),
  });
  readonly keysRefused = this.registry.counter({
    name: 'keys_refused_total',
    help:
      'API keys that this process has refused: wrong ones, and those that it has not checked, because their address had ' +
      'sent too many wrong ones.',
    labels: { outcome: KEY_REFUSALS },
    zeroed: KEY_REFUSALS.map(outcome => ({ outcome })),
  });
  readonly sessionsEnded = this.registry.counter({
    name: 'sessions_ended_total',
    help: 'Sessions whose end this process has committed.',
    labels: { outcome: ENDED_STATUSES, reason: Object.keys(END_REASONS) },
    zeroed: Object.entries(END_REASONS).map(([reason, outcome]) => ({ outcome, reason })),
  });
  readonly transitions = this.registry.counter({
    name: 'session_transitions_total',
    help: 'Steps committed by this process, by event and by the states before and after.',
    labels: { from: ['none', ...STATUSES], to: STATUSES, event: SESSION_EVENTS },
  });
  readonly startDuration = this.registry.histogram({
    name: 'session_start_duration_seconds',
    help: 'Time from acceptance until the session was live, or had ended without being live.',
    labels: { outcome: STATUSES.filter(status => status !== 'created') },
    buckets: START_BUCKETS,
  });
  readonly queueWait = this.registry.histogram({
    name: 'session_queue_wait_seconds',
    help: 'Time from acceptance until a worker first claimed the session.',
    buckets: START_BUCKETS,
  });
  readonly lifetime = this.registry.histogram({
    name: 'session_lifetime_seconds',
    help: 'Time from live to the end, for sessions that were live.',
    labels: { outcome: ENDED_STATUSES },
    buckets: LIFETIME_BUCKETS,
  });
  readonly timeoutLateness = this.registry.histogram({
    name: 'timeout_lateness_seconds',
    help:
      'Time from a deadline until its time-out was committed, by what found it: a delayed job, the ' +
      'sweep, a late claim.',
    labels: { kind: TIMER_KINDS, layer: TIMER_LAYERS },
    // All: a dashboard shows the first time-out of each kind.
    zeroed: TIMER_KINDS.flatMap(kind => TIMER_LAYERS.map(layer => ({ kind, layer }))),
    buckets: LATENESS_BUCKETS,
  });
  readonly timeoutsRecovered = this.registry.counter({
    name: 'timeouts_recovered_total',
    help: 'Time-outs that the sweep found, because their delayed job did not run in time. Normally 0.',
    labels: { kind: TIMER_KINDS },
  });
  readonly sweepRepairs = this.registry.counter({
    name: 'sweep_repairs_total',
    help: 'Repairs that sweeps have made. Normally 0.',
    labels: { sweep: SWEEPS },
  });
  readonly jobDuration = this.registry.histogram({
    name: 'job_duration_seconds',
    help: 'Time that a delivery of a job took, by its outcome.',
    labels: { queue: QUEUES, name: JOB_NAMES, outcome: DELIVERY_OUTCOMES },
    buckets: JOB_BUCKETS,
  });
  readonly jobsStalled = this.registry.counter({
    name: 'jobs_stalled_total',
    help: 'Jobs whose process was lost while it handled them. They are delivered again.',
    labels: { queue: QUEUES },
  });
  // Its public name is older than the word "quarantine" and stays.
  readonly jobsQuarantined = this.registry.counter({
    name: 'jobs_contained_total',
    help: 'Jobs that were removed from their queue unhandled and kept for an operator.',
    labels: { queue: QUEUES, reason: QUARANTINE_REASONS },
  });
  readonly commandsUnanswered = this.registry.counter({
    name: 'commands_unanswered_total',
    help: 'Commands that got no answer from their queue, so that their sender executed them itself. Normally 0.',
    labels: { command: ['release', 'update'] },
  });
  readonly contextChanges = this.registry.counter({
    name: 'context_changes_total',
    help: 'Changes of contexts that this process has made, except by saves: created, updated, deleted, an older version restored.',
    labels: { change: CONTEXT_CHANGES.filter(change => change !== 'saved') },
  });
  readonly contextVersions = this.registry.counter({
    name: 'context_versions_total',
    help:
      'Saves of contexts that this process has committed: the version became current, was kept aside because ' +
      'another one had become current meanwhile, or was dropped because the context was deleted or the quota used up.',
    labels: { result: SAVE_RESULTS },
  });
  readonly redisUp = this.registry.gauge({
    name: 'redis_up',
    help: '1 if Redis answered the last check of this process within a second, else 0.',
  });

  /** @param build - left out when the documentation is generated, which is the same for every build */
  constructor(build?: Build) {
    this.#showBuild(build);
    this.registry.addProcessMetrics();
  }

  #showBuild({ version, node }: Build = { version: '…', node: '…' }): void {
    this.registry
      .gauge({
        name: 'build_info',
        help: 'Always 1. The labels have the versions.',
        labels: { version: [version], node: [node] },
      })
      .set({ version, node }, 1);
  }
}
