import type { SessionSnapshot, TimerKind } from '../../machines/session/session.types';
import { isEnded, statusOf } from '../../machines/session/session.view';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Metrics } from './metrics';

/** The layers of timers, any of which ends a session alone. */
export type TimerLayer = 'local' | 'job' | 'sweep';

/** The sweeps, by what they put right. */
export type SweepName = 'overdue' | 'effects' | 'queued' | 'contain' | 'reaper' | 'retention';

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
 * The one hub for what happens to sessions: each method writes the log line and the metric together, so that they
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
    if (before === null) this.metrics.sessionsCreated.inc();
    if (event === 'claim' && context.launchAttempts === 1) {
      this.metrics.queueWait.observe((nowMs - context.createdAtMs) / 1000);
    }
    if (from === 'created' && to === 'live') {
      this.metrics.startDuration.observe((nowMs - context.createdAtMs) / 1000);
    }
    if (isEnded(to)) {
      this.metrics.sessionsEnded.inc({ outcome: to, reason: context.endReason ?? 'unknown' });
      if (context.liveAtMs !== null) {
        this.metrics.lifetime.observe({ outcome: to }, (nowMs - context.liveAtMs) / 1000);
      }
    }
  }

  /** A time-out ended a session, this long after it was due. */
  timeoutFired(kind: TimerKind, layer: TimerLayer, latenessMs: number): void {
    this.metrics.timeoutLateness.observe({ kind, layer }, Math.max(0, latenessMs) / 1000);
  }

  /** A sweep had to put something right. */
  repaired(sweep: SweepName, count: number, detail: Record<string, unknown> = {}): void {
    this.metrics.sweepRepairs.inc({ sweep }, count);
    this.log.warn({ sweep, count, ...detail }, 'sweep repaired');
  }

  /** A job was taken out of its queue unhandled. */
  contained(queue: string, reason: string): void {
    this.metrics.jobsContained.inc({ queue, reason });
  }
}
