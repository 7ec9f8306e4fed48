import { HoldfastError } from '../core/errors';
import type { SessionRef } from '../core/ids';
import type { SessionIndex } from '../store/session-index';
import type { HistoryEntry } from '../store/session-store';

/** Reads everything that happened to a session, oldest first. */
export type SessionHistory = (ref: SessionRef) => Promise<readonly HistoryEntry[]>;

/** @throws HoldfastError `session_not_found`; what Redis throws while it is away. */
export function sessionHistory(index: Pick<SessionIndex, 'history'>): SessionHistory {
  return async ref => {
    const entries = await index.history(ref);
    // The first entry is written together with the row, the last is forgotten together with it.
    if (entries.length === 0) throw new HoldfastError('session_not_found', 'There is no such session.');
    return entries;
  };
}
