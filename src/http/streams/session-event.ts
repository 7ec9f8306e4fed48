import type { ContextSave } from '../../../machines/session/session.types';
import type { SessionTraffic } from '../../client/session';
import type { ContextSaveData } from '../../client/session-context';
import { contextSaveView } from '../../contract/context-save-view';
import type { Traffic } from '../../core/traffic';
import type { SessionNotice } from '../../queries/follow-tenant';
import type { ContextNotice } from '../../store/notice-stream';
import type { HistoryEntry } from '../../store/session-record';
import { iso } from '../../contract/times';

/** A line of a history as clients see it, in lists and streams alike. */
export function sessionEvent({ seq, at, event, from, to, cause, actor }: HistoryEntry): HistoryEntryView {
  return { seq, at: iso(at), event, from, to, cause, actor };
}

/** @see sessionEvent */
export type HistoryEntryView = Omit<HistoryEntry, 'at'> & { readonly at: string };

/** The end of a session's browser, what became of its context, and what has gone through its forward proxy. */
export const closedEvent = (
  sessionId: string,
  save: ContextSave | null,
  traffic: Traffic | null,
): ClosedEventView => ({ sessionId, contextSave: contextSaveView(save), traffic });

/** @see closedEvent */
export interface ClosedEventView {
  readonly sessionId: string;
  readonly contextSave: ContextSaveData | null;
  readonly traffic: SessionTraffic | null;
}

/** A transition in the form of the stream of all sessions. */
export function transitionEvent(
  sessionId: string,
  { rev, at, event, from, to, reason = null }: Extract<SessionNotice, { type: 'transition' }>,
): Readonly<Record<string, string | number | null>> {
  return { sessionId, revision: rev, at: iso(at), event, from, to, endReason: reason };
}

/** A change of a context in the form of the stream of all sessions and contexts. */
export function contextEvent(
  contextId: string,
  { rev, at, change, version, isCurrent }: ContextNotice,
): Readonly<Record<string, string | number | boolean | null>> {
  return {
    contextId,
    change,
    revision: rev,
    at: iso(at),
    version: version ?? null,
    isCurrent: isCurrent ?? null,
  };
}
