import { statusOf } from '../../machines/session/session.view';
import { hasBrowser } from '../../machines/session/session.words';
import type { OpenPage } from '../browser/open-pages';
import type { SessionRef } from '../core/ids';
import type { FoundSession, GetSession } from './get-session';
import { idleExpiresAtMs, type LiveDetailsParts } from './live-details';

/** What somebody who looks on sees of a session, in any status. */
export interface ViewedSession {
  readonly session: FoundSession;
  /** Null: the browser could not be asked. */
  readonly pages: readonly OpenPage[] | null;
  /** When the idle time-out ends the session without further activity; null: it does not. */
  readonly idleExpiresAtMs: number | null;
}

/** Reads what somebody who looks on sees; it is no activity of the session. */
export type ViewSession = (ref: SessionRef) => Promise<ViewedSession>;

/** Dependencies of {@link viewSession}. */
export interface ViewSessionParts {
  readonly getSession: GetSession;
  readonly openPages: LiveDetailsParts['openPages'];
}

/** @throws ServiceError `session_not_found`; what Redis throws while it is away. */
export function viewSession({ getSession, openPages }: ViewSessionParts): ViewSession {
  return async ref => {
    const session = await getSession(ref);
    const { record } = session;
    if (!hasBrowser(statusOf(record.snapshot))) return { session, pages: [], idleExpiresAtMs: null };
    return { session, pages: await openPages(record, 'use'), idleExpiresAtMs: idleExpiresAtMs(record) };
  };
}
