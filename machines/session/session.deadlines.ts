import type { Deadlines, SessionContext } from './session.types';
import type { TimerKind } from './session.words';

/**
 * What clients have done with a live session. It is stored beside the row, so the event carries it into the machine.
 */
export interface Activity {
  readonly lastActivityMs: number | null;
  /** When the first client connected. */
  readonly attachedAtMs: number | null;
  /** When a client was last connected, or waiting for the session; kept only if that matters for a deadline. */
  readonly presentAtMs: number | null;
}

/** No client has connected yet. */
export const NO_ACTIVITY: Activity = { lastActivityMs: null, attachedAtMs: null, presentAtMs: null };

/**
 * When an armed deadline is due. Activity postpones the idle deadline, the presence of a client the disconnect
 * deadline; the first client satisfies the connect deadline for good. Null: never.
 */
export function dueAtMs(
  { deadlines, limits }: SessionContext,
  kind: TimerKind,
  { lastActivityMs, attachedAtMs, presentAtMs }: Activity,
): number | null {
  const deadlineMs = deadlines[kind];
  if (deadlineMs === undefined) return null;
  if (kind === 'connect' && attachedAtMs !== null) return null;
  if (kind === 'idle') return Math.max(deadlineMs, (lastActivityMs ?? 0) + (limits.idleTimeoutMs ?? 0));
  if (kind === 'disconnect')
    return Math.max(deadlineMs, (presentAtMs ?? 0) + (limits.disconnectTimeoutMs ?? 0));
  return deadlineMs;
}

/**
 * Whether a session with these deadlines waits for a worker: the deadline of the queue is armed in that state and in no
 * other. For readers that have no snapshot; with one, ask `isQueued`.
 */
export const isQueuedBy = ({ queue }: Deadlines): boolean => queue !== undefined;
