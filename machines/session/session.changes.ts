import type { SessionChange, UpdateEvent } from './session.events';
import type { Deadlines, SessionContext, SessionLimits } from './session.types';

/** How many labels a session may have, however it came by them. */
export const LABELS_MAX = 8;

/** Why a change is refused: its deadline has passed already, or there would be more than {@link LABELS_MAX} labels. */
export type ChangeRefusal = 'deadline_passed' | 'too_many_labels';

/**
 * Why a session refuses a change; null if it does not. A time-out in the past would end the session by a back door,
 * under a reason that nobody asked for.
 */
export function changeRefusal(context: SessionContext, { nowMs, change }: UpdateEvent): ChangeRefusal | null {
  const { liveAtMs } = context;
  if (liveAtMs !== null && change.timeoutMs !== undefined && liveAtMs + change.timeoutMs <= nowMs) {
    return 'deadline_passed';
  }
  if (Object.keys(mergedLabels(context.labels, change.labels)).length > LABELS_MAX) return 'too_many_labels';
  return null;
}

/** The context fields of a changed session. Deadlines exist from live on; before that only what they will be made from. */
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

/* Only what was changed moves: a new label must not give an idle session another minute. */
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

function mergedLabels(
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
