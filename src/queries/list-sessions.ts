import type { SessionIndex, PageRequest } from '../store/session-index';
import { placeInQueue, type FoundSession } from './get-session';
import type { SessionStore } from '../store/session-store';

/** One page of sessions, newest first. */
export interface SessionPage {
  readonly sessions: readonly FoundSession[];
  /** Cursor of the next page; null: this was the last. */
  readonly nextCursor: string | null;
}

/** What to list. */
export type ListRequest = PageRequest;

/** Lists a tenant's retained sessions. */
export type ListSessions = (request: ListRequest) => Promise<SessionPage>;

/** Dependencies of {@link listSessions}. */
export interface ListSessionsParts {
  readonly sessions: Pick<SessionStore, 'readAll'>;
  readonly index: Pick<SessionIndex, 'page' | 'queuePosition'>;
}

/**
 * A page may hold fewer sessions than asked for and still have a next page: sessions that retention removes between the
 * reads of index and rows are left out, and Redis looks at a bounded number of sessions for each page.
 *
 * @throws what Redis throws while it is away.
 */
export function listSessions(parts: ListSessionsParts): ListSessions {
  return async request => {
    const page = await parts.index.page(request);
    const { records, nowMs } = await parts.sessions.readAll(page.refs);
    const found = records.filter(record => record !== null);
    const sessions = await Promise.all(
      found.map(async record => ({ record, nowMs, queuePosition: await placeInQueue(parts, record) })),
    );
    return { sessions, nextCursor: page.nextCursor };
  };
}
