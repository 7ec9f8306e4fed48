import type { SessionChange, UpdateEvent } from './session.events';
import type { Deadlines, SessionContext, SessionLimits } from './session.types';

/** The most labels a session may have, those of its creation and of later changes together. */
export const LABELS_MAX = 8;

/** Why a change is refused: its deadline has passed already, or there would be more than {@link LABELS_MAX} labels. */
export type ChangeRefusal = 'deadline_passed' | 'too_many_labels';

/**
 * Why a session refuses a change; null if it does not. A time-out in the past would end the session as timed out, which
 * is not what the client asked for.
 */
export function changeRefusal(context: SessionContext, { nowMs, change }: UpdateEvent): ChangeRefusal | null {
  const { liveAtMs } = context;
  if (liveAtMs !== null && change.timeoutMs !== undefined && liveAtMs + change.timeoutMs <= nowMs) {
    return 'deadline_passed';
  }
  if (Object.keys(mergedLabels(context.labels, change.labels)).length > LABELS_MAX) return 'too_many_labels';
  return null;
}

/**
 * The context fields of a changed session. Deadlines exist only once the session is live; before that, only the
 * durations are stored.
 */
export function applyChange(
  context: SessionContext,
  { nowMs, change }: UpdateEvent,
): Pick<SessionContext, 'name' | 'labels' | 'limits' | 'deadlines'> {
  const limits: SessionLimits = {
    ...context.limits,
    ...(change.timeoutMs === undefined ? {} : { timeoutMs: change.timeoutMs }),
    ...(change.idleTimeoutMs === undefined ? {} : { idleTimeoutMs: change.idleTimeoutMs }),
  };
  return {
    name: change.name === undefined ? context.name : change.name,
    labels: mergedLabels(context.labels, change.labels),
    limits,
    deadlines:
      context.liveAtMs === null
        ? context.deadlines
        : movedDeadlines(context.deadlines, context.liveAtMs, change, nowMs),
  };
}

/* Moves only the deadlines whose duration was changed: a new label must not extend the idle deadline. */
function movedDeadlines(
  { idle, ...others }: Deadlines,
  liveAtMs: number,
  { timeoutMs, idleTimeoutMs }: SessionChange,
  nowMs: number,
): Deadlines {
  const idleAtMs =
    idleTimeoutMs === undefined ? idle : idleTimeoutMs === null ? undefined : nowMs + idleTimeoutMs;
  return {
    ...others,
    ...(timeoutMs === undefined ? {} : { session: liveAtMs + timeoutMs }),
    ...(idleAtMs === undefined ? {} : { idle: idleAtMs }),
  };
}

/** Labels after a change: null removes one. */
export function mergedLabels(
  labels: SessionContext['labels'],
  changed: SessionChange['labels'],
): SessionContext['labels'] {
  if (changed === undefined) return labels;
  // A Map: a label may be called `__proto__`.
  const merged = new Map<string, string>(Object.entries(labels));
  for (const [name, value] of Object.entries(changed)) {
    if (value === null) merged.delete(name);
    else merged.set(name, value);
  }
  return Object.fromEntries(merged);
}
