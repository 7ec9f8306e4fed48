import type { TimerKind } from '../../machines/session/session.types';
import type { SessionRef } from '../core/ids';
import type { Report, TimerLayer } from '../events/report';
import type { TimerPayload } from '../queue/payloads';
import { DONE, type JobResult } from '../queue/consumer';
import type { SessionRecord } from '../store/session-store';
import type { Stepper } from './stepper';

/** What became of an attempt to end a session by time-out. */
export type TimeoutOutcome =
  | { readonly fired: boolean }
  /** Not yet due: ask again in this many milliseconds, and for this deadline; it may have been moved. */
  | { readonly againInMs: number; readonly deadlineMs: number };

const NOT_FIRED: TimeoutOutcome = { fired: false };

/**
 * Ends sessions whose time is up. Both layers of timers, the delayed job and the sweep, come through here, and so does a
 * launch that finds it; the row decides whether the deadline they name still counts and has passed (I8).
 */
export class Timeouts {
  constructor(
    private readonly stepper: Stepper,
    private readonly report: Report,
  ) {}

  /**
   * Acts on a deadline.
   *
   * @param deadlineMs - the deadline the timer was armed for; null: whatever the row holds for this kind
   */
  async fire(
    ref: SessionRef,
    kind: TimerKind,
    deadlineMs: number | null,
    layer: TimerLayer,
  ): Promise<TimeoutOutcome> {
    let held: HeldDeadline | null = null;
    let actedOnMs = deadlineMs;
    const outcome = await this.stepper.apply({
      ref,
      cause: kind,
      actor: layer === 'sweep' ? 'sweep' : 'timer',
      event: (record, nowMs) => {
        held = heldDeadline(record, kind);
        if (held === null || (deadlineMs !== null && deadlineMs !== held.deadlineMs)) return null;
        actedOnMs = held.deadlineMs;
        return { type: 'TIMEOUT', kind, deadlineMs: actedOnMs, nowMs };
      },
      timer: record => ({ kind, deadlineMs: record.snapshot.context.deadlines[kind] ?? 0 }),
    });
    switch (outcome.kind) {
      case 'committed': {
        const { dueMs } = held ?? { dueMs: outcome.nowMs };
        this.report.timeoutFired(kind, layer, outcome.nowMs - dueMs);
        return { fired: true };
      }
      case 'early':
        return outcome.askAgainAtMs === null
          ? NOT_FIRED
          : {
              againInMs: outcome.askAgainAtMs - outcome.nowMs,
              deadlineMs: actedOnMs ?? outcome.askAgainAtMs,
            };
      case 'ignored': {
        // The machine refused it: another deadline, or this one has not passed by Redis TIME.
        const now = heldDeadline(outcome.record, kind);
        if (now === null) return NOT_FIRED;
        return { againInMs: Math.max(1, now.dueMs - outcome.nowMs), deadlineMs: now.deadlineMs };
      }
      default:
        return NOT_FIRED;
    }
  }

  /** Handles a delayed job: one that comes early arms itself again. A deadline that was moved has a job of its own. */
  async handleJob({ ref, kind, deadlineMs }: TimerPayload): Promise<JobResult> {
    const outcome = await this.fire(ref, kind, deadlineMs, 'job');
    return 'againInMs' in outcome && outcome.deadlineMs === deadlineMs
      ? { againInMs: outcome.againInMs }
      : DONE;
  }
}

interface HeldDeadline {
  readonly deadlineMs: number;
  /** When it is really due: activity pushes the idle one on. */
  readonly dueMs: number;
}

/** The deadline a session holds for a kind. */
function heldDeadline(record: SessionRecord, kind: TimerKind): HeldDeadline | null {
  const { deadlines, limits } = record.snapshot.context;
  const deadlineMs = deadlines[kind];
  if (deadlineMs === undefined) return null;
  if (kind === 'connect' && record.attachedAtMs !== null) return null;
  const activeUntilMs =
    kind === 'idle' && record.lastActivityMs !== null
      ? record.lastActivityMs + (limits.idleTimeoutMs ?? 0)
      : 0;
  return { deadlineMs, dueMs: Math.max(deadlineMs, activeUntilMs) };
}
