import { isQueued } from '../../machines/session/session.view';
import type { SessionRef } from '../core/ids';
import { sessionNotFound } from '../engine/not-found';
import type { SessionIndex } from '../store/session-index';
import type { SessionStore } from '../store/session-store';
import type { SessionRecord } from '../store/session-record';

/** A session at one moment of Redis `TIME`. */
export interface FoundSession {
  readonly record: SessionRecord;
  readonly nowMs: number;
  /** 1 for the next session in the queue; null for one that does not wait for a worker. */
  readonly queuePosition: number | null;
}

/** Reads one session. */
export type GetSession = (ref: SessionRef) => Promise<FoundSession>;

/** Dependencies of {@link getSession}. */
export interface GetSessionParts {
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly index: Pick<SessionIndex, 'queuePosition'>;
}

/** @throws ServiceError `session_not_found`; what Redis throws while it is away. */
export function getSession(parts: GetSessionParts): GetSession {
  return async ref => {
    const found = await findSession(parts, ref);
    if (found === null) throw sessionNotFound();
    return found;
  };
}

/** Like {@link getSession}; null if there is no such session. */
export async function findSession(
  { sessions, index }: GetSessionParts,
  ref: SessionRef,
): Promise<FoundSession | null> {
  const { record, nowMs } = await sessions.read(ref);
  if (record === null) return null;
  return { record, nowMs, queuePosition: await placeInQueue({ index }, record) };
}

/** 1 for the session that is launched next; null for one that does not wait. */
export async function placeInQueue(
  { index }: Pick<GetSessionParts, 'index'>,
  { ref, snapshot }: SessionRecord,
): Promise<number | null> {
  const rank = isQueued(snapshot) ? await index.queuePosition(ref) : null;
  return rank === null ? null : rank + 1;
}
