import type { SessionContext } from './session.types';
import type { TimerKind } from './session.words';

/** What clients have done with a live session. It is kept beside the row, so it travels in the event that asks about it. */
export interface Activity {
  readonly lastActivityMs: number | null;
  /** When the first client connected. */
  readonly attachedAtMs: number | null;
}

/** No client has been there yet. */
export const NO_ACTIVITY: Activity = { lastActivityMs: null, attachedAtMs: null };

/**
 * When an armed deadline is really due: activity pushes the idle one on, and the connect deadline is kept for good with
 * the first client. Null: never.
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
