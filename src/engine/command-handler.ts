import { changeRefusal } from '../../machines/session/session.changes';
import type { UpdateEvent } from '../../machines/session/session.events';
import { isEnded, statusOf } from '../../machines/session/session.view';
import type { CommandPayload } from '../queue/payloads';
import { DONE, type JobResult } from '../queue/consumer';
import type { CommandAnswer, Notice } from '../store/notice-stream';
import type { SessionRecord } from '../store/session-store';
import type { StepRequest, Stepper } from './stepper';

/** Publishes a notice. */
export type Publish = (notice: Notice) => Promise<void>;

type ReleaseCommand = Extract<CommandPayload, { command: 'release' }>;
type UpdateCommand = Extract<CommandPayload, { command: 'update' }>;

/**
 * Handles the `sessions` queue: every change from outside. A command that commits is answered by its transition's own
 * notice; one that changes nothing (already ended, unknown, refused) is answered by an `outcome` notice that says why,
 * so that whoever sent it need not wait in vain.
 */
export function commandHandler(
  stepper: Stepper,
  publish: Publish,
): (command: CommandPayload) => Promise<JobResult> {
  return async command => {
    const answer = await answerTo(stepper, command);
    if (answer !== 'committed') await publish({ type: 'outcome', opId: command.commandId, answer });
    return DONE;
  };
}

async function answerTo(stepper: Stepper, command: CommandPayload): Promise<CommandAnswer | 'committed'> {
  switch (command.command) {
    case 'probe':
      return 'alive';
    case 'release':
      return (await stepper.apply(releaseOf(command))).kind;
    case 'update':
      return update(stepper, command);
  }
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

async function update(stepper: Stepper, command: UpdateCommand): Promise<CommandAnswer | 'committed'> {
  const { ref, commandId, actor, change } = command;
  let refusal: CommandAnswer | null = null;
  const outcome = await stepper.apply({
    ref,
    opId: commandId,
    // In the words of the API, which has its units in the documentation: `timeout`, not `timeoutMs`.
    cause: Object.keys(change)
      .map(name => name.replace(/Ms$/, ''))
      .join(' '),
    actor,
    event: (record, nowMs) => {
      const event: UpdateEvent = { type: 'UPDATE', nowMs, change };
      // Anew in every try: another session state may refuse for another reason, or not at all.
      refusal = updateRefusal(record, event, command);
      return refusal === null ? event : null;
    },
  });
  return outcome.kind === 'ignored' ? (refusal ?? outcome.kind) : outcome.kind;
}

/* That a session has ended tells more than that its revision is another one, or its deadline past. */
function updateRefusal(
  { revision, snapshot }: SessionRecord,
  event: UpdateEvent,
  { ifRevision }: UpdateCommand,
): CommandAnswer | null {
  if (isEnded(statusOf(snapshot))) return null;
  if (ifRevision !== null && ifRevision !== revision) return 'precondition_failed';
  return changeRefusal(snapshot.context, event);
}
