import type { BrowserOptions, SessionSnapshot } from './session.types';
import { END_REASONS, type SessionStatus } from './session.words';

/** The public word for a state value; the inner states of `created` are not public. */
export function statusOf(snapshot: SessionSnapshot): SessionStatus {
  return typeof snapshot.value === 'object' ? 'created' : snapshot.value;
}

/** Whether a session waits for a worker. */
export const isQueued = ({ value }: SessionSnapshot): boolean =>
  typeof value === 'object' && value.created === 'queued';

/**
 * Whether the end of a session includes a save of its context: it was live, persists, and ended in order. After a
 * failure the last good version stands.
 */
export const savesAtEnd = ({ context: { contextUse, liveAtMs, endReason } }: SessionSnapshot): boolean =>
  contextUse?.persist === true &&
  liveAtMs !== null &&
  endReason !== null &&
  END_REASONS[endReason] !== 'failed';

/** What readers may see of a session without another read of the store. Times are epoch milliseconds. */
export interface SessionProjection {
  readonly id: string;
  readonly tenant: string;
  readonly status: SessionStatus;
  readonly endReason: string | null;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  readonly liveAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly expiresAtMs: number | null;
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number | null;
  readonly sleepAfterMs: number | null;
  readonly options: BrowserOptions;
  readonly workerId: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Snapshot → projection. `expiresAtMs` is null until the session is live, and stays what it was after the end. */
export function projectSession(snapshot: SessionSnapshot): SessionProjection {
  const { context } = snapshot;
  return {
    id: context.id,
    tenant: context.tenant,
    status: statusOf(snapshot),
    endReason: context.endReason,
    name: context.name,
    labels: context.labels,
    createdAtMs: context.createdAtMs,
    liveAtMs: context.liveAtMs,
    endedAtMs: context.endedAtMs,
    expiresAtMs: context.liveAtMs === null ? null : context.liveAtMs + context.limits.timeoutMs,
    timeoutMs: context.limits.timeoutMs,
    idleTimeoutMs: context.limits.idleTimeoutMs,
    sleepAfterMs: context.limits.sleepAfterMs,
    options: context.options,
    workerId: context.owner?.workerId ?? null,
    error: context.error,
  };
}
