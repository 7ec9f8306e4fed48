import { projectSession } from '../../machines/session/session.view';
import { invalidFields } from '../core/check-fields';
import { createdAtOfUuidv7, parseRef, type SessionRef } from '../core/ids';
import { indexMember } from '../redis/keys';
import type { SessionStore } from '../store/session-store';

/** The cursor of the page that begins after a session; for callers whose pages are named by their last session. */
export type CursorAfter = (ref: SessionRef) => Promise<string>;

/**
 * The status of the session does not matter. One that retention has removed since still has a place, if this service
 * has made its id.
 *
 * @throws ServiceError `invalid_request` for a session of which nothing is known; what Redis throws while it is away.
 */
export function cursorAfter({ sessions }: { readonly sessions: Pick<SessionStore, 'read'> }): CursorAfter {
  return async ref => {
    const id = parseRef(ref)?.id ?? '';
    const { record } = await sessions.read(ref);
    const createdAtMs = record === null ? createdAtOfUuidv7(id) : projectSession(record.snapshot).createdAtMs;
    if (createdAtMs !== null) return indexMember(createdAtMs, id);
    throw invalidFields([{ pointer: 'query/cursorId', message: 'is not the id of a session' }]);
  };
}
