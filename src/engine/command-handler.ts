import type { CommandPayload } from '../queue/payloads';
import { DONE, type JobResult } from '../queue/consumer';
import type { Notice } from '../store/notice-stream';
import type { Stepper } from './stepper';

/** Publishes a notice. */
export type Publish = (notice: Notice) => Promise<void>;

/**
 * Handles the `sessions` queue: every change from outside. A command that commits is answered by its transition's own
 * notice; one that changes nothing (already ended, unknown) is answered by an `outcome` notice, so that whoever sent
 * it need not wait in vain.
 */
export function commandHandler(
  stepper: Stepper,
  publish: Publish,
): (command: CommandPayload) => Promise<JobResult> {
  return async command => {
    if (command.command === 'probe') {
      await publish({ type: 'outcome', opId: command.commandId, answer: 'alive' });
      return DONE;
    }
    const outcome = await stepper.apply({
      ref: command.ref,
      opId: command.commandId,
      cause: command.reason,
      actor: command.actor,
      event: (_record, nowMs) => ({ type: 'RELEASE', reason: command.reason, nowMs }),
    });
    if (outcome.kind !== 'committed') {
      await publish({ type: 'outcome', opId: command.commandId, answer: outcome.kind });
    }
    return DONE;
  };
}
