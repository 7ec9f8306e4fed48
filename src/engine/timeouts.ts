import { dueAtMs } from '../../machines/session/session.deadlines';
import type { TimerKind } from '../../machines/session/session.words';
import type { SessionRef } from '../core/ids';
import type { Report, TimerLayer } from '../metrics/report';
import { DONE, type JobResult } from '../queue/consumer';
import type { TimerPayload } from '../queue/payloads';
import type { MaintenanceStore } from '../store/maintenance-store';
import type { SessionRecord } from '../store/session-record';
import type { RedisContact } from './redis-contact';
import type { Stepper } from './stepper';
import { isSoon } from './timer-jobs';

/** When to ask again after this process could not tell whether a client is present. */
const ASK_AGAIN_MS = 1_000;

/** The outcome of an attempt to end a session by time-out. */
export type TimeoutOutcome =
  | { readonly kind: 'fired' }
  /** The session has no such deadline, or none that can still pass. */
  | { readonly kind: 'none' }
  /** Not yet due: ask again in this many milliseconds, for this deadline, which may have been moved. */
  | { readonly kind: 'early'; readonly againInMs: number; readonly deadlineMs: number };

/**
 * Ends sessions whose time is up. Both layers of timers, the delayed job and the sweep, come through here, and so does
 * a launch that finds the time up. The machine decides whether the deadline they name is still armed and has passed
 * (I8). That a client is present is known by what its process writes, so without a proven contact with Redis no session
 * ends for want of a client.
 */
export class Timeouts {
  constructor(
    private readonly stepper: Stepper,
    private readonly maintenance: Pick<MaintenanceStore, 'settleDue'>,
    private readonly report: Report,
    private readonly contact: Pick<RedisContact, 'prove'>,
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
    if (kind === 'disconnect' && (await this.contact.prove()) === null)
      return { kind: 'early', againInMs: ASK_AGAIN_MS, deadlineMs: deadlineMs ?? 0 };
    let asked = { deadlineMs: 0, dueMs: 0 };
    const outcome = await this.stepper.apply({
      ref,
      cause: kind,
      actor: layer === 'sweep' ? 'sweep' : 'timer',
      event: (record, nowMs) => {
        const held = record.snapshot.context.deadlines[kind];
        if (held === undefined || (deadlineMs !== null && deadlineMs !== held)) return null;
        asked = { deadlineMs: held, dueMs: dueOf(record, kind) ?? held };
        const { lastActivityMs, attachedAtMs, presentAtMs } = record;
        const activity = { lastActivityMs, attachedAtMs, presentAtMs };
        return { type: 'TIMEOUT', kind, deadlineMs: held, activity, nowMs };
      },
    });
    switch (outcome.kind) {
      case 'committed':
        this.report.timeoutFired(kind, layer, outcome.nowMs - asked.dueMs);
        return { kind: 'fired' };
      case 'early': // by the clock of Redis, which was set back after the session was read
        return {
          kind: 'early',
          againInMs: outcome.askAgainAtMs - outcome.nowMs,
          deadlineMs: asked.deadlineMs,
        };
      case 'missing':
        return this.#settle(ref, kind, null, 0);
      default:
        return this.#settle(ref, kind, outcome.record, outcome.nowMs);
    }
  }

  /**
   * Handles a delayed job. One that comes early waits again, if not for long: else the sweep adds another one, when it
   * is due soon. A deadline that was moved has a job of its own.
   */
  async handleJob({ ref, kind, deadlineMs }: TimerPayload): Promise<JobResult> {
    const outcome = await this.fire(ref, kind, deadlineMs, 'job');
    return outcome.kind === 'early' && outcome.deadlineMs === deadlineMs && isSoon(outcome.againInMs)
      ? { againInMs: outcome.againInMs }
      : DONE;
  }

  /* Nothing is due: stores in the index, from which the sweep works, when something will be. */
  async #settle(
    ref: SessionRef,
    kind: TimerKind,
    record: SessionRecord | null,
    nowMs: number,
  ): Promise<TimeoutOutcome> {
    const dueMs = record === null ? null : dueOf(record, kind);
    await this.maintenance.settleDue(ref, kind, record?.revision ?? null, dueMs);
    const deadlineMs = record?.snapshot.context.deadlines[kind];
    if (dueMs === null || deadlineMs === undefined) return { kind: 'none' };
    return { kind: 'early', againInMs: Math.max(1, dueMs - nowMs), deadlineMs };
  }
}

const dueOf = (record: SessionRecord, kind: TimerKind): number | null =>
  dueAtMs(record.snapshot.context, kind, record);
