import { createHash } from 'node:crypto';
import { LABELS_MAX } from '../../machines/session/session.changes';
import type { SessionChange } from '../../machines/session/session.events';
import { statusOf } from '../../machines/session/session.view';
import { isEnded } from '../../machines/session/session.words';
import { HoldfastError } from '../core/errors';
import { randomId, type SessionRef } from '../core/ids';
import { newerVersion } from '../engine/newer-version';
import { sessionEnded } from '../engine/session-ended';
import type { CommandSender } from '../engine/command-sender';
import type { CommandOutcome } from '../engine/waiters';
import type { SessionStore } from '../store/session-store';
import type { LoadedSession, SessionRecord } from '../store/session-record';

/** A change, and what the caller requires of the session it is made to. */
export interface UpdateRequest {
  readonly ref: SessionRef;
  readonly change: SessionChange;
  /** Instead of `change.timeoutMs`: when the session is to end. Only a live session has such a moment. */
  readonly expiresAtMs: number | null;
  /** What `expiresAtMs` may come to, from live on. */
  readonly timeoutLimitsMs: { readonly min: number; readonly max: number };
  /** Apply it to this revision only; null: to whichever there is. */
  readonly ifRevision: number | null;
  readonly actor: string;
  /** What the caller calls this request, the same over its retries; null: every call is an operation of its own. */
  readonly requestKey: string | null;
}

/** Changes a session that goes on; answers what it is afterwards. */
export type UpdateSession = (request: UpdateRequest) => Promise<SessionRecord>;

/** What {@link updateSession} works with. */
export interface UpdateSessionParts {
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly commands: Pick<CommandSender, 'send'>;
}

/**
 * Changes sessions through the `sessions` queue, like every change from outside. Against a time-out that fires at the
 * same moment exactly one of the two wins, since both are commits to one revision.
 *
 * @throws HoldfastError `session_not_found`, `session_ended`, `precondition_failed`, `too_many_changes`, `invalid_request` for a deadline that
 *   has passed or too many labels, `session_not_live` for `expiresAtMs` before there is anything to count from,
 *   `outcome_unknown` if it could not be confirmed in time, `newer_version` if only a newer process can do that; what Redis throws while it is away.
 */
export function updateSession(parts: UpdateSessionParts): UpdateSession {
  return async request => {
    const { ref, actor, ifRevision } = request;
    const { nowMs, ...read } = await parts.sessions.read(ref);
    const before = recordOf(read);
    if (isEnded(statusOf(before.snapshot))) throw sessionEnded(before.snapshot);
    const change = changeOf(request, before);
    const commandId = commandIdOf(request, change);
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
    // Heard or not, the row knows: a notice may be lost, an operation that was applied is written in the row.
    if (outcome === 'committed' || outcome === 'replayed' || loaded.applied.includes(commandId))
      return record;
    if (isEnded(statusOf(record.snapshot))) throw sessionEnded(record.snapshot);
    if (outcome === null && record.isPartial === true) throw newerVersion();
    throw refusal(outcome, request);
  };
}

function recordOf({ record }: Pick<LoadedSession, 'record'>): SessionRecord {
  if (record === null) throw new HoldfastError('session_not_found', 'There is no such session.');
  return record;
}

/* A moment becomes a duration here and nowhere later: when a session went live never changes. */
function changeOf(
  { change, expiresAtMs, timeoutLimitsMs: { min, max } }: UpdateRequest,
  { snapshot }: SessionRecord,
): SessionChange {
  if (expiresAtMs === null) return change;
  const { liveAtMs } = snapshot.context;
  if (liveAtMs === null) {
    throw new HoldfastError(
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

function refusal(outcome: CommandOutcome | null, { expiresAtMs, ifRevision }: UpdateRequest): HoldfastError {
  switch (outcome) {
    case 'precondition_failed':
      return new HoldfastError(
        'precondition_failed',
        `The session is not at revision ${ifRevision ?? '*'} any more.`,
      );
    case 'too_many_changes':
      return new HoldfastError(
        'too_many_changes',
        'The history of the session is full: it goes on, but is not changed any more.',
      );
    case 'deadline_passed':
      return invalid(
        expiresAtMs === null ? '/timeout' : '/expiresAt',
        'would have ended the session in the past',
      );
    case 'too_many_labels':
      return invalid('/labels', `would make more than ${LABELS_MAX}`);
    default:
      return new HoldfastError(
        'outcome_unknown',
        'The change was accepted but not confirmed in time. Read the session, or repeat it with its Idempotency-Key.',
      );
  }
}

const invalid = (pointer: string, message: string): HoldfastError =>
  new HoldfastError('invalid_request', `${pointer}: ${message}`, { fields: [{ pointer, message }] });

/* One key names one operation: the same key on another change is another operation, never its replay. */
function commandIdOf({ ref, ifRevision, requestKey }: UpdateRequest, change: SessionChange): string {
  if (requestKey === null) return randomId();
  const digest = createHash('sha256').update(JSON.stringify([ref, requestKey, ifRevision, change]));
  return `update.${digest.digest('hex').slice(0, 32)}`;
}
