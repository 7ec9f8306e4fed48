import { LABELS_MAX } from '../../machines/session/session.changes';
import type { SessionChange } from '../../machines/session/session.events';
import { statusOf } from '../../machines/session/session.view';
import { isEnded } from '../../machines/session/session.words';
import { invalidFields } from '../core/check-fields';
import { ServiceError } from '../core/errors';
import type { SessionRef } from '../core/ids';
import { newerVersion } from '../engine/newer-version';
import { sessionEnded } from '../engine/session-ended';
import type { CommandSender } from '../engine/command-sender';
import { sessionNotFound } from '../engine/not-found';
import type { CommandOutcome } from '../engine/waiters';
import type { SessionStore } from '../store/session-store';
import type { LoadedSession, SessionRecord } from '../store/session-record';
import { operationId } from './operation-id';

/** A change, and its conditions. */
export interface UpdateRequest {
  readonly ref: SessionRef;
  readonly change: SessionChange;
  /** Instead of `change.timeoutMs`: when the session should end. Only a live session has such a time. */
  readonly expiresAtMs: number | null;
  /** Limits of the duration that `expiresAtMs` gives, counted from live. */
  readonly timeoutLimitsMs: { readonly min: number; readonly max: number };
  /** Apply it to this revision only; null: to any. */
  readonly ifRevision: number | null;
  readonly actor: string;
  /** The caller's key of this request, equal for its retries; null: every call is an operation of its own. */
  readonly requestKey: string | null;
}

/** Changes an open session; answers the changed record. */
export type UpdateSession = (request: UpdateRequest) => Promise<SessionRecord>;

/** Dependencies of {@link updateSession}. */
export interface UpdateSessionParts {
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly commands: Pick<CommandSender, 'send'>;
}

/**
 * Changes sessions through the `sessions` queue, like every change from outside. Against a time-out that fires at the
 * same moment exactly one of the two wins, since both are commits to one revision.
 *
 * @throws ServiceError `session_not_found`, `session_ended`, `precondition_failed`, `too_many_changes`,
 *   `invalid_request` for a deadline that has passed or too many labels, `session_not_live` for `expiresAtMs` before
 *   the session is live, `outcome_unknown` if it could not be confirmed in time, `newer_version` if only a newer
 *   process can do that; what Redis throws while it is away.
 */
export function updateSession(parts: UpdateSessionParts): UpdateSession {
  return async request => {
    const { ref, actor, ifRevision, requestKey } = request;
    const { nowMs, ...read } = await parts.sessions.read(ref);
    const before = recordOf(read);
    if (isEnded(statusOf(before.snapshot))) throw sessionEnded(before.snapshot);
    const change = changeOf(request, before);
    const commandId = operationId('update', requestKey, [ref, requestKey, ifRevision, change]);
    const sent = { revision: before.revision, atMs: nowMs };
    const outcome = await parts.commands.send({
      v: 1,
      command: 'update',
      commandId,
      ref,
      actor,
      ifRevision,
      sent,
      change,
    });

    const loaded = await parts.sessions.read(ref);
    const record = recordOf(loaded);
    // The row decides in either case: a notice may be lost, but the row names the operations that were applied.
    if (outcome === 'committed' || outcome === 'replayed' || loaded.applied.includes(commandId))
      return record;
    if (isEnded(statusOf(record.snapshot))) throw sessionEnded(record.snapshot);
    if (outcome === null && record.isPartial === true) throw newerVersion();
    throw refusal(outcome, request);
  };
}

function recordOf({ record }: Pick<LoadedSession, 'record'>): SessionRecord {
  if (record === null) throw sessionNotFound();
  return record;
}

/* `expiresAtMs` becomes a duration here, once: the time at which a session went live never changes. */
function changeOf(
  { change, expiresAtMs, timeoutLimitsMs: { min, max } }: UpdateRequest,
  { snapshot }: SessionRecord,
): SessionChange {
  if (expiresAtMs === null) return change;
  const { liveAtMs } = snapshot.context;
  if (liveAtMs === null) {
    throw new ServiceError(
      'session_not_live',
      'The session is not live yet: set timeout instead of expiresAt.',
    );
  }
  const timeoutMs = expiresAtMs - liveAtMs;
  if (timeoutMs < min || timeoutMs > max) {
    throw invalid('/expiresAt', `must be ${min} to ${max} milliseconds after liveAt, not ${timeoutMs}`);
  }
  return { ...change, timeoutMs };
}

function refusal(outcome: CommandOutcome | null, { expiresAtMs, ifRevision }: UpdateRequest): ServiceError {
  switch (outcome) {
    case 'precondition_failed':
      return new ServiceError(
        'precondition_failed',
        `The session no longer has revision ${ifRevision ?? '*'}. Read it again.`,
      );
    case 'too_many_changes':
      return new ServiceError(
        'too_many_changes',
        'The history of the session is full. The session goes on, but cannot be changed any more.',
      );
    case 'deadline_passed':
      return invalid(
        expiresAtMs === null ? '/timeout' : '/expiresAt',
        'would end the session at a time in the past',
      );
    case 'too_many_labels':
      return invalid('/labels', `would give the session more than ${LABELS_MAX} labels`);
    default:
      return new ServiceError(
        'outcome_unknown',
        'The change was accepted but not confirmed in time. Read the session, or repeat it with its Idempotency-Key.',
      );
  }
}

const invalid = (pointer: string, message: string): ServiceError => invalidFields([{ pointer, message }]);
