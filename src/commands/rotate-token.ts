import type { SessionRef } from '../core/ids';
import { sessionNotFound } from '../engine/not-found';
import { sessionEnded } from '../engine/session-ended';
import type { SessionStore } from '../store/session-store';

/** Gives a session another connect token: the one before is refused, and what it has opened is closed. */
export type RotateToken = (ref: SessionRef) => Promise<void>;

/** @throws ServiceError `session_not_found`, `session_ended`; what Redis throws while it is away. */
export function rotateToken(sessions: Pick<SessionStore, 'read' | 'rotateToken'>): RotateToken {
  return async ref => {
    const answer = await sessions.rotateToken(ref);
    if (answer === 'OK') return;
    const { record } = await sessions.read(ref);
    if (answer === 'MISSING' || record === null) throw sessionNotFound();
    throw sessionEnded(record.snapshot);
  };
}
