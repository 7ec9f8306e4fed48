import type { DeliveryOutcome } from '../core/delivery-outcome';
import type { SessionSnapshot } from '../../machines/session/session.types';
import { isEnded, type ContextChange, type TimerKind } from '../../machines/session/session.words';
import { statusOf } from '../../machines/session/session.view';
import type { QuotaName } from '../config/quotas';
import type { BadJob } from '../core/quarantine';
import type { ContextRef, SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { KeyRefusal, SaveResult, SweepName, TimerLayer } from './label-values';
import type { Metrics } from './metrics';

export type { SweepName, TimerLayer } from './label-values';

/** A job that was put into quarantine; its texts are safe for a log. */
type ReportedJob = Omit<BadJob, 'data'> & { readonly id: string };

/** One committed step, as it is reported. */
export interface Transition {
  readonly ref: SessionRef;
  readonly revision: number;
  readonly event: string;
  readonly cause: string;
  readonly actor: string;
  readonly before: SessionSnapshot | null;
  readonly after: SessionSnapshot;
  /** Redis `TIME` of the step. */
  readonly nowMs: number;
}

/**
 * Reports what happens to sessions and contexts: each method writes the log line and the metric together, so that they
 * cannot disagree. Nothing here throws or waits.
 */
export class Report {
  constructor(
    private readonly metrics: Metrics,
    private readonly log: Logger,
  ) {}

  /** A step was committed by this process. */
  transition(transition: Transition): void {
    const { ref, revision, event, cause, actor, before, after, nowMs } = transition;
    const { context } = after;
    const to = statusOf(after);
    const from = before === null ? null : statusOf(before);
    this.log.info({ session: ref, revision, event, from, to, cause, actor }, 'session');
    this.metrics.transitions.inc({ from: from ?? 'none', to, event });
    if (before === null) this.metrics.sessionsCreated.inc({ source: sourceOf(actor) });
    // A clock that was set back would make the duration negative.
    const sinceCreated = Math.max(0, nowMs - context.createdAtMs) / 1000;
    if (event === 'claim' && context.launchAttempts === 1) this.metrics.queueWait.observe({}, sinceCreated);
    if (from === 'created' && to !== 'created') {
      this.metrics.startDuration.observe({ outcome: to }, sinceCreated);
    }
    if (isEnded(to)) {
      this.metrics.sessionsEnded.inc({ outcome: to, reason: context.endReason ?? 'unknown' });
      if (context.liveAtMs !== null) {
        this.metrics.lifetime.observe({ outcome: to }, Math.max(0, nowMs - context.liveAtMs) / 1000);
      }
    }
  }

  /** A quota of a tenant has refused something. */
  quotaRefused(quota: QuotaName, tenant: string): void {
    this.metrics.quotaRefusals.inc({ quota });
    // A client that does not wait would fill the log.
    this.log.debug({ quota, tenant }, 'refused by a quota');
  }

  /** An API key was refused; `address` is where it came from. */
  keyRefused(outcome: KeyRefusal, address: string): void {
    this.metrics.keysRefused.inc({ outcome });
    // The first of many is what an operator looks for; the rest would fill the log.
    this.log.debug({ outcome, address }, 'an API key was refused');
  }

  /** A time-out ended a session, this long after it was due. */
  timeoutFired(kind: TimerKind, layer: TimerLayer, latenessMs: number): void {
    this.metrics.timeoutLateness.observe({ kind, layer }, Math.max(0, latenessMs) / 1000);
    if (layer === 'sweep') this.metrics.timeoutsRecovered.inc({ kind });
  }

  /** A sweep has repaired something. */
  repaired(sweep: SweepName, count: number, detail: Record<string, unknown> = {}): void {
    this.metrics.sweepRepairs.inc({ sweep }, count);
    this.log.warn({ sweep, count, ...detail }, 'a sweep has repaired something');
  }

  /** A job was taken out of its queue unhandled. */
  quarantined({ id, queue, jobId, name, reason, detail }: ReportedJob): void {
    this.metrics.jobsQuarantined.inc({ queue, reason });
    this.log.warn({ quarantined: id, queue, jobId, name, reason, detail }, 'job quarantined');
  }

  /** A delivery of a job has ended after this long. */
  jobHandled(queue: string, name: string, outcome: DeliveryOutcome, durationMs: number): void {
    this.metrics.jobDuration.observe({ queue, name, outcome }, durationMs / 1000);
  }

  /** The queue did not answer a command in time; its sender carries it out. */
  commandUnanswered(command: 'release' | 'update', ref: SessionRef): void {
    this.metrics.commandsUnanswered.inc({ command });
    this.log.warn(
      { session: ref, command },
      'a command got no answer from its queue; this process executes it',
    );
  }

  /** A context was changed otherwise than by a save. */
  contextChanged(
    change: Exclude<ContextChange, 'saved'>,
    ref: ContextRef,
    detail: Record<string, unknown> = {},
  ): void {
    this.metrics.contextChanges.inc({ change });
    this.log.info({ context: ref, change, ...detail }, 'context');
  }

  /** The state of a context was saved: what became of it. */
  contextSaved(ref: ContextRef, result: SaveResult, detail: Record<string, unknown>): void {
    this.metrics.contextVersions.inc({ result });
    this.log[result === 'current' ? 'info' : 'warn']({ context: ref, result, ...detail }, 'context saved');
  }

  /** A job was found without the process that had taken it. */
  jobStalled(queue: string, jobId: string): void {
    this.metrics.jobsStalled.inc({ queue });
    this.log.warn({ queue, jobId }, 'job stalled');
  }
}

/* Histories name the actor as `<kind>:<name>`. */
const sourceOf = (actor: string): 'api' | 'queue' => (actor.startsWith('job:') ? 'queue' : 'api');
