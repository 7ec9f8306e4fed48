import { statusOf } from '../../machines/session/session.view';
import { isEnded, type ReleaseReason } from '../../machines/session/session.words';
import { ServiceError } from '../core/errors';
import type { SessionRef } from '../core/ids';
import { newerVersion } from '../engine/newer-version';
import type { CommandSender } from '../engine/command-sender';
import { sessionNotFound } from '../engine/not-found';
import type { Waiters } from '../engine/waiters';
import type { SessionCommand } from '../queue/payloads';
import type { ClosedNotice } from '../store/notice-stream';
import type { SessionStore } from '../store/session-store';
import type { SessionRecord } from '../store/session-record';
import { operationId } from './operation-id';

/** How long a release waits for the browser to be gone. */
const CLOSED_WAIT_MS = 5_000;

/** Which session to release, and who asks for it. */
export interface ReleaseRequest {
  readonly ref: SessionRef;
  readonly reason: Exclude<ReleaseReason, 'drained'>;
  readonly actor: string;
  /** The caller's key of this request, equal for its retries; null: every call is an operation of its own. */
  readonly requestKey: string | null;
}

/** A session that has ended, by this release or otherwise, at one moment of Redis `TIME`. */
export interface Released {
  readonly record: SessionRecord;
  readonly nowMs: number;
  /**
   * Resolves when the session's browser is gone and its context is saved, after {@link CLOSED_WAIT_MS} at the latest:
   * with the session as it is then. Never rejects.
   */
  readonly closed: () => Promise<SessionRecord>;
}

/** Releases a session; resolves as soon as its end is committed. */
export type ReleaseSession = (request: ReleaseRequest) => Promise<Released>;

/** Dependencies of {@link releaseSession}. */
export interface ReleaseSessionParts {
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly commands: Pick<CommandSender, 'send'>;
  readonly waiters: Pick<Waiters, 'closed'>;
}

/**
 * Releases sessions through the `sessions` queue, like every change from outside. Releasing one that has ended answers
 * at once with how it ended (I11).
 *
 * @throws ServiceError `session_not_found`, or `outcome_unknown` if the end could not be confirmed in time,
 *   `newer_version` if only a newer process can do that; what Redis throws while it is away. A retry with the same
 *   `requestKey` carries the same operation id.
 */
export function releaseSession(parts: ReleaseSessionParts): ReleaseSession {
  const read = async (ref: SessionRef): Promise<Released> => {
    const { record, nowMs } = await parts.sessions.read(ref);
    if (record === null) throw sessionNotFound();
    return { record, nowMs, closed: () => untilClosed(parts, record) };
  };

  return async request => {
    const before = await read(request.ref);
    if (hasEnded(before)) return before;
    // The row is read in either case: a notice may be lost, the row is authoritative.
    await parts.commands.send(commandOf(request));
    const after = await read(request.ref);
    if (hasEnded(after)) return after;
    if (after.record.isPartial === true) throw newerVersion();
    throw new ServiceError(
      'outcome_unknown',
      'The release was accepted but not confirmed in time. Repeat the request: releasing twice does no harm.',
    );
  };
}

const hasEnded = ({ record }: Released): boolean => isEnded(statusOf(record.snapshot));

function commandOf({ ref, reason, actor, requestKey }: ReleaseRequest): SessionCommand {
  const commandId = operationId('release', requestKey, [ref, requestKey]);
  return { v: 1, command: 'release', commandId, ref, reason, actor };
}

async function untilClosed(
  { waiters, sessions }: Pick<ReleaseSessionParts, 'waiters' | 'sessions'>,
  before: SessionRecord,
): Promise<SessionRecord> {
  const { ref, snapshot } = before;
  try {
    const closed = await waiters.closed(ref, CLOSED_WAIT_MS);
    // All but the save and the traffic is final (I3).
    if (snapshot.context.liveAtMs === null) return before;
    if (closed?.notice) return { ...before, ...outcomeOf(closed.notice) };
    return (await sessions.read(ref)).record ?? before;
  } catch {
    // The session has ended in any case, and its worker must end the browser even if Redis is away now.
    return before;
  }
}

const outcomeOf = ({ save, traffic }: ClosedNotice): Pick<SessionRecord, 'finalSave' | 'traffic'> => ({
  finalSave: save ?? null,
  traffic: traffic ?? null,
});
