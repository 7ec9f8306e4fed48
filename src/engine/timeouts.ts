import type { TimerKind } from '../../machines/session/session.types';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Report, TimerLayer } from '../events/report';
import type { TimerPayload } from '../queue/payloads';
import { DONE, type JobResult } from '../queue/consumer';
import { isRedisAway } from '../redis/errors';
import type { SessionRecord } from '../store/session-store';
import { ContentionError, type Stepper } from './stepper';

/** What became of an attempt to end a session by time-out. */
export type TimeoutOutcome =
  | { readonly fired: boolean }
  /** Not yet due: ask again in this many milliseconds, and for this deadline; it may have been moved. */
  | { readonly againInMs: number; readonly deadlineMs: number };

const NOT_FIRED: TimeoutOutcome = { fired: false };

/**
 * Ends sessions whose time is up. The three layers of timers (the owner's local one, a delayed job, the sweep) all
 * come through here; the row decides whether the deadline they name still counts and has passed (I8).
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

/** Longest wait of one local timer; beyond it Node fires at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** How soon a local timer that could not reach Redis tries again. */
const RETRY_MS = 250;

/** The first layer of timers: the owner's own, exact to the millisecond and gone with its process. */
export class LocalTimers {
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(
    private readonly timeouts: Timeouts,
    private readonly log: Logger,
  ) {}

  /** Arms every deadline of a session anew. `nowMs` is Redis `TIME` about now. */
  arm(record: SessionRecord, nowMs: number): void {
    this.disarm(record.ref);
    for (const [kind, deadlineMs] of Object.entries(record.snapshot.context.deadlines)) {
      // SAFETY: the keys of deadlines are timer kinds.
      this.#schedule(record.ref, kind as TimerKind, deadlineMs, deadlineMs - nowMs);
    }
  }

  /** Drops a session's timers. */
  disarm(ref: SessionRef): void {
    for (const [key, timer] of this.#timers) {
      if (!key.startsWith(`${ref}|`)) continue;
      clearTimeout(timer);
      this.#timers.delete(key);
    }
  }

  /** Drops all timers. */
  disarmAll(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #schedule(ref: SessionRef, kind: TimerKind, deadlineMs: number, delayMs: number): void {
    const timer = setTimeout(
      () => void this.#fire(ref, kind, deadlineMs, timer),
      Math.min(MAX_DELAY_MS, Math.max(1, delayMs)),
    );
    this.#timers.set(`${ref}|${kind}`, timer);
  }

  async #fire(ref: SessionRef, kind: TimerKind, deadlineMs: number, timer: NodeJS.Timeout): Promise<void> {
    const next = await this.#ask(ref, kind, deadlineMs);
    // Disarmed, or armed anew, while it was asking: nothing is left for this one to do.
    if (this.#timers.get(`${ref}|${kind}`) !== timer) return;
    if (next === null) this.#timers.delete(`${ref}|${kind}`);
    else this.#schedule(ref, kind, next.deadlineMs, next.againInMs);
  }

  async #ask(
    ref: SessionRef,
    kind: TimerKind,
    deadlineMs: number,
  ): Promise<{ againInMs: number; deadlineMs: number } | null> {
    try {
      const outcome = await this.timeouts.fire(ref, kind, deadlineMs, 'local');
      return 'againInMs' in outcome ? outcome : null;
    } catch (error) {
      this.log.debug({ session: ref, kind, err: error }, 'local timer could not act');
      // Whatever else is wrong (a newer version has written the row) does not pass by waiting: job and sweep go on.
      const passes = isRedisAway(error) || error instanceof ContentionError;
      return passes ? { againInMs: RETRY_MS, deadlineMs } : null;
    }
  }
}
