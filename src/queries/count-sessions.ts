import type { PageRequest, SessionIndex } from '../store/session-index';

/** How many sessions of a selection are counted for one answer at most. */
const COUNTED_MAX = 1_000;

/** How many pages of the index are read for that: a page may be empty and still have a next one. */
const PAGES_MAX = 20;
const PAGE = 100;

/** A number of sessions; there may be more if the count is not complete. */
export interface SessionCount {
  readonly count: number;
  readonly isComplete: boolean;
}

/** Counts a tenant's sessions from a place in their list on, up to {@link COUNTED_MAX}. */
export type CountSessions = (request: Omit<PageRequest, 'limit'>) => Promise<SessionCount>;

/** @throws what Redis throws while it is away. */
export function countSessions(index: Pick<SessionIndex, 'page'>): CountSessions {
  return async request => {
    let count = 0;
    let { cursor } = request;
    for (let pages = 0; pages < PAGES_MAX && count < COUNTED_MAX; pages += 1) {
      const { refs, nextCursor } = await index.page({ ...request, cursor, limit: PAGE });
      count += refs.length;
      cursor = nextCursor;
      if (cursor === null) return { count, isComplete: true };
    }
    return { count, isComplete: false };
  };
}
