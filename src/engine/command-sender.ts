import type { Logger } from '../core/logger';
import { settlesWithin } from '../core/abort';
import { messageOf } from '../core/errors';
import type { Report } from '../metrics/report';
import type { SessionCommand } from '../queue/payloads';
import type { Producer } from '../queue/producer';
import { isRedisAway } from '../redis/errors';
import { carryOutCommand } from './command-handler';
import type { Stepper } from './stepper';
import type { CommandOutcome, Waiters } from './waiters';

/** How long the queue may leave a command unanswered. It answers in milliseconds if its consumers are alive. */
const UNANSWERED_AFTER_MS = 750;

/** The same after a command that was left unanswered: a bulk release must not wait the full time for every session. */
const STILL_UNANSWERED_AFTER_MS = 100;

/**
 * How long the sender may take to carry it out itself, before its caller reads the row and answers. Both together leave
 * the caller half a second of the 2.2 s that a request has for Redis.
 */
const OWN_STEP_TIMEOUT_MS = 1_000;

/** Dependencies of {@link CommandSender}. */
export interface CommandSenderParts {
  readonly producer: Pick<Producer, 'sendCommand' | 'withdrawCommand'>;
  readonly waiters: Pick<Waiters, 'outcome'>;
  readonly stepper: Pick<Stepper, 'apply'>;
  readonly report: Pick<Report, 'commandUnanswered'>;
  readonly log: Logger;
}

/**
 * Sends commands through the queue `sessions` and waits for their outcome. If the queue does not answer, the sender
 * carries the command out as the same operation: the second of the two, sender or consumer, gets the answer that it was
 * applied already. So clients do not wait for the lock of a process that was killed, nor for a queue that is paused or
 * broken.
 */
export class CommandSender {
  #isAnswering = true;

  constructor(private readonly parts: CommandSenderParts) {}

  /**
   * Resolves with the outcome of a command; null if it is not known after 1.75 s.
   *
   * @throws what Redis throws while it is away.
   */
  async send(command: SessionCommand): Promise<CommandOutcome | null> {
    const outcome = this.parts.waiters.outcome(command.commandId);
    try {
      const patienceMs = this.#isAnswering ? UNANSWERED_AFTER_MS : STILL_UNANSWERED_AFTER_MS;
      const queueAnswer = (await this.#isQueued(command)) ? await outcome.answer(patienceMs) : null;
      this.#isAnswering = queueAnswer !== null;
      if (queueAnswer !== null) return queueAnswer;
      // Either may be first, also when a frozen process wakes up. If the own step fails, the consumer may still answer.
      const own = this.#carryOut(command);
      const first = await Promise.any([own, outcome.answer(OWN_STEP_TIMEOUT_MS)]);
      return first ?? (await this.#checkOwnStep(own));
    } finally {
      outcome.stop();
    }
  }

  /* Neither the queue nor the own step has answered: the step has failed, or is still running. */
  async #checkOwnStep(own: Promise<CommandOutcome>): Promise<null> {
    try {
      await settlesWithin(own, 0);
    } catch (error) {
      if (isRedisAway(error)) throw error;
      this.parts.log.warn(
        { reason: messageOf(error) },
        'this process could not execute a command that the queue did not answer',
      );
    }
    return null;
  }

  async #isQueued(command: SessionCommand): Promise<boolean> {
    try {
      await this.parts.producer.sendCommand(command);
      return true;
    } catch (error) {
      if (isRedisAway(error)) throw error;
      this.parts.log.warn(
        { queue: 'sessions', command: command.command, reason: messageOf(error) },
        'a command could not be added to its queue',
      );
      return false;
    }
  }

  async #carryOut(command: SessionCommand): Promise<CommandOutcome> {
    const { stepper, producer, report, log } = this.parts;
    report.commandUnanswered(command.command, command.ref);
    const outcome = await carryOutCommand(stepper, command);
    // If it stayed in the queue, its consumer would find it applied already. It is removed so that a paused queue does
    // not fill up.
    producer
      .withdrawCommand(command.commandId)
      .catch((error: unknown) =>
        log.debug({ reason: messageOf(error) }, 'an executed command could not be removed from its queue'),
      );
    return outcome;
  }
}
