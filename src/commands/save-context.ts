import { ServiceError } from '../core/errors';
import type { SessionRef } from '../core/ids';
import { sessionNotFound } from '../engine/not-found';
import { requireLive } from '../engine/session-ended';
import type { SaveStore } from '../store/save-store';
import type { SessionStore } from '../store/session-store';

/**
 * Asks for a save of the context of a live session. Answers the number of the request: what the browser holds now is in
 * the save with this number, or a higher one.
 */
export type SaveContext = (ref: SessionRef) => Promise<number>;

/** Dependencies of {@link saveContext}. */
export interface SaveContextParts {
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly saves: Pick<SaveStore, 'request'>;
}

/**
 * @throws ServiceError `session_not_found`, `session_not_live`, `session_ended`, `context_not_persisted`; what Redis
 *   throws while it is away.
 */
export function saveContext({ sessions, saves }: SaveContextParts): SaveContext {
  return async ref => {
    const { record } = await sessions.read(ref);
    if (record === null) throw sessionNotFound();
    requireLive(record);
    const { contextUse, owner } = record.snapshot.context;
    if (contextUse?.persist !== true || owner === null) {
      const message = 'The session was created without a context, or without `persist`.';
      throw new ServiceError('context_not_persisted', message);
    }
    return saves.request(ref, owner.workerId);
  };
}
