import type { SessionRef } from '../core/ids';
import { sessionNotFound } from '../engine/not-found';
import type { EventLog } from '../store/event-log';
import type { HistoryEntry } from '../store/session-record';

/** Which part of a history to read. */
export interface HistoryRequest {
  readonly ref: SessionRef;
  /** The last line that the reader knows; 0 for none. */
  readonly afterSeq: number;
  readonly limit: number;
}

/** A part of a session's history, oldest first. */
export interface FoundHistory {
  readonly entries: readonly HistoryEntry[];
  readonly hasMore: boolean;
}

/** Reads a part of a session's history. */
export type SessionHistory = (request: HistoryRequest) => Promise<FoundHistory>;

/** @throws ServiceError `session_not_found`; what Redis throws while it is away. */
export function sessionHistory(eventLog: Pick<EventLog, 'historySince' | 'hasHistory'>): SessionHistory {
  return async ({ ref, afterSeq, limit }) => {
    const page = await eventLog.historySince(ref, afterSeq, limit);
    if (page !== null) return page;
    // The first entry is written with the row, and the history is forgotten with it.
    if (afterSeq > 0 && (await eventLog.hasHistory(ref))) return { entries: [], hasMore: false };
    throw sessionNotFound();
  };
}
