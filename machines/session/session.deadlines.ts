import type { Deadlines, SessionContext } from './session.types';
import type { TimerKind } from './session.words';

/**
 * What clients have done with a live session. It is stored beside the row, so the event carries it into the machine.
 */
export interface Activity {
  readonly lastActivityMs: number | null;
  /** When the first client connected. */
  readonly attachedAtMs: number | null;
}

/** No client has connected yet. */
export const NO_ACTIVITY: Activity = { lastActivityMs: null, attachedAtMs: null };

/**
 * When an armed deadline is due. Activity postpones the idle deadline; the first client satisfies the connect deadline
 * for good. Null: never.
 */
export function dueAtMs(
  { deadlines, limits }: SessionContext,
  kind: TimerKind,
  { lastActivityMs, attachedAtMs }: Activity,
): number | null {
  const deadlineMs = deadlines[kind];
  if (deadlineMs === undefined) return null;
  if (kind === 'connect' && attachedAtMs !== null) return null;
  if (kind !== 'idle' || lastActivityMs === null) return deadlineMs;
  return Math.max(deadlineMs, lastActivityMs + (limits.idleTimeoutMs ?? 0));
}

/**
 * Whether a session with these deadlines waits for a worker: the deadline of the queue is armed in that state and in no
 * other. For readers that have no snapshot; with one, ask `isQueued`.
 */
export const isQueuedBy = ({ queue }: Deadlines): boolean => queue !== undefined;
