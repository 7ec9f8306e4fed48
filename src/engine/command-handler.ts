import { changeRefusal } from '../../machines/session/session.changes';
import type { UpdateEvent } from '../../machines/session/session.events';
import { statusOf } from '../../machines/session/session.view';
import { isEnded } from '../../machines/session/session.words';
import type { CommandPayload, SessionCommand } from '../queue/payloads';
import { DONE, type JobResult } from '../queue/consumer';
import type { CommandAnswer, Notice } from '../store/notice-stream';
import { OPERATIONS_KEPT, type SessionRecord } from '../store/session-record';
import type { StepRequest, Stepper } from './stepper';
import type { CommandOutcome } from './waiters';

/** The sender of a command has been answered by then, or has died: a later delivery is a second one. */
const SECOND_DELIVERY_AFTER_MS = 5_000;

/**
 * From this revision on a session is not changed any more. Every commit appends one line to its history, and no line is
 * ever dropped (I5). All other events of a session are bounded by its machine, and by how often its worker is
 * restarted.
 */
export const HISTORY_CHANGES_MAX = 10_000;

/** Publishes a notice. */
export type Publish = (notice: Notice) => Promise<void>;

type ReleaseCommand = Extract<SessionCommand, { command: 'release' }>;
type UpdateCommand = Extract<SessionCommand, { command: 'update' }>;

/**
 * Handles the `sessions` queue: every change from outside. A command that commits is answered by its transition's own
 * notice; one that changes nothing (already ended, unknown, refused) is answered by an `outcome` notice with the
 * reason, so that its sender does not wait in vain.
 */
export function commandHandler(
  stepper: Stepper,
  publish: Publish,
): (command: CommandPayload) => Promise<JobResult> {
  return async command => {
    const answer = command.command === 'probe' ? 'alive' : await carryOutCommand(stepper, command);
    if (answer !== 'committed') await publish({ type: 'outcome', opId: command.commandId, answer });
    return DONE;
  };
}

/**
 * Carries out a command on a session, at most once: a repeat with the same `commandId` is `replayed`.
 *
 * @throws what {@link Stepper.apply} throws.
 */
export async function carryOutCommand(
  stepper: Pick<Stepper, 'apply'>,
  command: SessionCommand,
): Promise<CommandOutcome> {
  if (command.command === 'update') return update(stepper, command);
  return (await stepper.apply(releaseOf(command))).kind;
}

function releaseOf({ ref, commandId, reason, actor }: ReleaseCommand): StepRequest {
  return {
    ref,
    opId: commandId,
    cause: reason,
    actor,
    event: (_record, nowMs) => ({ type: 'RELEASE', reason, nowMs }),
  };
}

async function update(stepper: Pick<Stepper, 'apply'>, command: UpdateCommand): Promise<CommandOutcome> {
  const { ref, commandId, actor, change } = command;
  let refusal: CommandAnswer | null = null;
  const outcome = await stepper.apply({
    ref,
    opId: commandId,
    // In the API's names, which have no units: `timeout`, not `timeoutMs`.
    cause: Object.keys(change)
      .map(name => name.replace(/Ms$/, ''))
      .join(' '),
    actor,
    event: (record, nowMs) => {
      if (mayBeForgotten(record.revision, nowMs, command)) return null;
      const event: UpdateEvent = { type: 'UPDATE', nowMs, change };
      // Decided again at every try: another session state may refuse for another reason, or not at all.
      refusal = updateRefusal(record, event, command);
      return refusal === null ? event : null;
    },
  });
  return outcome.kind === 'ignored' ? (refusal ?? outcome.kind) : outcome.kind;
}

/*
 * A row remembers the operations that made its last few revisions. A command that is delivered a second time, because
 * the process that had taken it was killed, may have been applied longer ago than that. Applying it again would undo
 * later changes by other clients.
 */
function mayBeForgotten(revision: number, nowMs: number, { sent }: UpdateCommand): boolean {
  return (
    sent !== undefined &&
    revision - sent.revision > OPERATIONS_KEPT &&
    Math.abs(nowMs - sent.atMs) > SECOND_DELIVERY_AFTER_MS
  );
}

/* An ended session is reported first: it tells the client more than a wrong revision or a passed deadline. */
function updateRefusal(
  { revision, snapshot }: SessionRecord,
  event: UpdateEvent,
  { ifRevision }: UpdateCommand,
): CommandAnswer | null {
  if (isEnded(statusOf(snapshot))) return null;
  if (ifRevision !== null && ifRevision !== revision) return 'precondition_failed';
  if (revision >= HISTORY_CHANGES_MAX) return 'too_many_changes';
  return changeRefusal(snapshot.context, event);
}
