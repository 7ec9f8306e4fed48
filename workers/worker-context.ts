import type { SessionEvent } from '../machines/session/session.events';
import type { Fence } from '../machines/session/session.types';
import { randomId, type SessionRef } from '../src/core/ids';
import type { Logger } from '../src/core/logger';
import type { StepOutcome, Stepper } from '../src/engine/stepper';
import type { SessionRecord } from '../src/store/session-record';
import { insist } from './insist';

/** What the parts of a worker share. */
export interface WorkerContext {
  /** Id of this worker: the host id of its keeper, so that a successor finds its sessions. */
  readonly workerId: string;
  readonly stepper: Stepper;
  readonly log: Logger;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
  /** Called when somebody else speaks for a session of ours: this process kills nothing any more, it exits. */
  readonly onFenced: (ref: SessionRef) => void;
}

/** Something the owner has to say about its session. */
export interface OwnersWord {
  readonly ref: SessionRef;
  readonly cause: string;
  readonly event: (record: SessionRecord, nowMs: number) => SessionEvent | null;
  /** The fence to speak under; left out for a claim, which makes one. */
  readonly fence?: Fence;
}

/**
 * Commits the owner's word, through any outage of Redis. The same operation is repeated, so it counts once.
 *
 * @throws NewerMachineVersionError if a newer process has written the session meanwhile: then only such a one can speak for it.
 */
export async function say(context: WorkerContext, word: OwnersWord): Promise<StepOutcome> {
  const opId = randomId();
  return insist(word.cause, context.log, context.signal, () => commit(context, word, opId));
}

/**
 * Tries once to commit what is found out anew if it is lost.
 *
 * @throws as {@link Stepper.apply}.
 */
export async function sayOnce(context: WorkerContext, word: OwnersWord): Promise<StepOutcome> {
  return commit(context, word, randomId());
}

async function commit(
  context: WorkerContext,
  { ref, cause, event, fence }: OwnersWord,
  opId: string,
): Promise<StepOutcome> {
  const outcome = await context.stepper.apply({
    ref,
    opId,
    cause,
    actor: `worker:${context.workerId}`,
    event,
    ...(fence === undefined ? {} : { asOwner: fence }),
  });
  if (outcome.kind === 'fenced') context.onFenced(ref);
  return outcome;
}
