import type { SessionRef } from '../core/ids';
import { sessionNotFound } from '../engine/not-found';
import { requireLive } from '../engine/session-ended';
import type { ActivityStore } from '../store/activity-store';
import type { SessionStore } from '../store/session-store';

/** Counts as activity of a client, for the idle time-out of a live session. */
export type KeepAlive = (ref: SessionRef) => Promise<void>;

/** Dependencies of {@link keepAlive}. */
export interface KeepAliveParts {
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly activity: Pick<ActivityStore, 'note'>;
}

/**
 * @throws ServiceError `session_not_found`, `session_not_live`, `session_ended`; what Redis throws while it is away.
 */
export function keepAlive({ sessions, activity }: KeepAliveParts): KeepAlive {
  return async ref => {
    const { record } = await sessions.read(ref);
    if (record === null) throw sessionNotFound();
    requireLive(record);
    await activity.note(ref, false);
  };
}
