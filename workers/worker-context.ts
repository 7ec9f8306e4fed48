import type { MachineEvent } from '../machines/session/session.events';
import type { Fence } from '../machines/session/session.types';
import { randomId, type SessionRef } from '../src/core/ids';
import type { Logger } from '../src/core/logger';
import type { StepOutcome, Stepper, StepRequest } from '../src/engine/stepper';
import type { SessionRecord } from '../src/store/session-record';
import { retryUntilDone } from './retry-until-done';

/** Dependencies that the parts of a worker share. */
export interface WorkerContext {
  /** Id of this worker: the host id of its keeper, so that the next worker finds its sessions. */
  readonly workerId: string;
  readonly stepper: Stepper;
  readonly log: Logger;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
  /** Called when another process owns a session of this worker: this process then kills nothing and exits. */
  readonly onFenced: (ref: SessionRef) => void;
}

/** An event of the owner about its session. */
export interface OwnerEvent extends Pick<StepRequest, 'isRefused' | 'known' | 'isUrgent'> {
  readonly ref: SessionRef;
  readonly cause: string;
  readonly event: (record: SessionRecord, nowMs: number) => MachineEvent | null;
  /** The fence of the owner; left out for a claim, which makes a new one. */
  readonly fence?: Fence;
}

/**
 * Commits an event of the owner, through any outage of Redis. Every attempt is the same operation, so it is applied
 * once.
 *
 * @throws NewerMachineVersionError if a newer process has written the session meanwhile: then only a process of that
 *   version can commit to it.
 */
export async function commitEvent(context: WorkerContext, ownerEvent: OwnerEvent): Promise<StepOutcome> {
  const opId = randomId();
  return retryUntilDone(ownerEvent.cause, context.log, context.signal, () =>
    commit(context, ownerEvent, opId),
  );
}

/**
 * Tries once to commit an event; for events that are detected again if they are lost.
 *
 * @throws as {@link Stepper.apply}.
 */
export async function commitEventOnce(context: WorkerContext, ownerEvent: OwnerEvent): Promise<StepOutcome> {
  return commit(context, ownerEvent, randomId());
}

async function commit(
  context: WorkerContext,
  { fence, ...request }: OwnerEvent,
  opId: string,
): Promise<StepOutcome> {
  const outcome = await context.stepper.apply({
    ...request,
    opId,
    actor: `worker:${context.workerId}`,
    ...(fence === undefined ? {} : { asOwner: fence }),
  });
  if (outcome.kind === 'fenced') context.onFenced(request.ref);
  return outcome;
}
