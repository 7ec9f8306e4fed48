import type { ContextSave } from '../../machines/session/session.types';
import { isEnded } from '../../machines/session/session.words';
import { pause } from '../core/abort';
import { messageOf } from '../core/errors';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Traffic } from '../core/traffic';
import { Wakeup } from '../core/wakeup';
import type { ClosingStore } from '../store/closing-store';
import type { EventLog, HistoryPage } from '../store/event-log';
import type { Notice, NoticeStream } from '../store/notice-stream';
import type { HistoryEntry } from '../store/session-record';
import type { SessionStore } from '../store/session-store';

/** Lines that are read at a time. */
const PAGE = 200;

/** How soon a failed read is retried; the notice that Redis is back usually comes first. */
const RETRY_MS = 1_000;

/** What came of the end of a session. */
type Closed = Readonly<{ save: ContextSave | null; traffic: Traffic | null }>;

/** What a follower of one session gets. */
export type SessionFeedItem =
  | { readonly type: 'transition'; readonly entry: HistoryEntry }
  /** The history is another one than before; its beginning comes next. */
  | { readonly type: 'reset' }
  /** The browser of the ended session is gone, its context is saved if that was owed; nothing follows. */
  | ({ readonly type: 'closed' } & Closed);

/** The session to follow, and from which line. */
export interface FollowSessionRequest {
  readonly ref: SessionRef;
  /** The last line that the follower knows: 0 for none; null for an id that cannot be in any history. */
  readonly afterSeq: number | null;
  /** Ends the following. */
  readonly signal: AbortSignal;
}

/** Follows one session from any line of its history to its end. */
export type FollowSession = (request: FollowSessionRequest) => AsyncGenerator<SessionFeedItem, void>;

/** Dependencies of {@link followSession}. */
export interface FollowSessionParts {
  readonly notices: Pick<NoticeStream, 'on' | 'off'>;
  readonly eventLog: Pick<EventLog, 'historySince'>;
  readonly closing: Pick<ClosingStore, 'isOpen'>;
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly log: Logger;
}

/**
 * Yields every line of a history once and in order (I5), also across an outage of Redis: notices only say when to read,
 * the lines come from the history. It reads no faster than it is consumed and buffers nothing, so a slow consumer costs
 * no memory. Ends after `closed`, when the session is forgotten, or by the signal; it never throws because Redis is
 * away.
 */
export function followSession(parts: FollowSessionParts): FollowSession {
  return async function* ({ ref, afterSeq, signal }) {
    const { notices } = parts;
    const wakeup = new Wakeup();
    const onNotice = (notice: Notice): void => {
      if ('ref' in notice && notice.ref === ref) wakeup.notify();
    };
    notices.on('notice', onNotice);
    notices.on('resync', wakeup.notify);
    try {
      if (afterSeq === null) yield { type: 'reset' };
      let seq = afterSeq ?? 0;
      wakeup.notify();
      for (;;) {
        await wakeup.wait(signal);
        if (signal.aborted) return;
        const seen = await look(parts, ref, seq);
        if (seen === 'unavailable') {
          await pause(RETRY_MS, signal);
          wakeup.notify();
          continue;
        }
        if (seen === 'unknown') {
          yield { type: 'reset' };
          if (seq === 0) return;
          seq = 0;
          wakeup.notify();
          continue;
        }
        for (const entry of seen.entries) {
          yield { type: 'transition', entry };
          seq = entry.seq;
        }
        if (seen.closed !== null) {
          yield { type: 'closed', ...seen.closed };
          return;
        }
        if (seen.hasMore) wakeup.notify();
      }
    } finally {
      notices.off('notice', onNotice);
      notices.off('resync', wakeup.notify);
    }
  };
}

type Seen =
  | (Pick<HistoryPage, 'entries' | 'hasMore'> & {
      /** Null: the end is not complete. */
      readonly closed: Closed | null;
    })
  | 'unknown'
  | 'unavailable';

/* The lines after a given one, whether there are more, and whether the history is complete. */
async function look(
  { eventLog, closing, sessions, log }: FollowSessionParts,
  ref: SessionRef,
  seq: number,
): Promise<Seen> {
  try {
    const page = await eventLog.historySince(ref, seq, PAGE);
    if (page === null) return 'unknown';
    const { anchor, entries, hasMore } = page;
    const newest = entries.at(-1) ?? anchor;
    // The line of the end is always the last one.
    const hasEnded = newest !== null && isEnded(newest.to);
    // The obligation to close is written together with the end: if there is none, it was met, or there was no browser.
    const isClosed = hasEnded && !(await closing.isOpen(ref));
    if (!isClosed) return { entries, hasMore, closed: null };
    const { record } = await sessions.read(ref);
    return {
      ...{ entries, hasMore },
      closed: { save: record?.finalSave ?? null, traffic: record?.traffic ?? null },
    };
  } catch (error) {
    log.debug(
      { session: ref, reason: messageOf(error) },
      'the history for an event stream could not be read',
    );
    return 'unavailable';
  }
}
