import { messageOf } from '../../src/core/errors';
import type { Logger } from '../../src/core/logger';
import type { AcceptedJobs } from '../../src/queue/accepted-jobs';
import { DONE, type Delivery, type JobResult } from '../../src/queue/consumer';
import {
  endless,
  TAKEN_MAX,
  type AcceptJob,
  type QuarantineEndless,
  type FinishJob,
} from '../../src/queue/ingress-handler';
import { HeldJob } from '../../src/queue/ingress-job';
import type { AcceptedPayload } from '../../src/queue/payloads';

/** Delay before the next attempt while Redis is away, or an outcome is not known yet. */
const AGAIN_MS = 500;

/** Dependencies of {@link AcceptedHandler}. */
export interface AcceptedParts {
  readonly jobs: AcceptedJobs;
  readonly accept: AcceptJob;
  readonly finish: FinishJob;
  readonly onEndless: QuarantineEndless;
  /** Aborted when this process shuts down. */
  readonly closing: AbortSignal;
  readonly log: Logger;
}

/** Works on accepted jobs until their end; counts the current ones. */
export class AcceptedHandler {
  #underWay = 0;

  constructor(private readonly parts: AcceptedParts) {}

  /** How many jobs this process works on. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Works on one job; its result is for the job that waits for it. */
  async handle(payload: AcceptedPayload, delivery: Delivery): Promise<JobResult> {
    this.#underWay += 1;
    try {
      return await this.#continueJob(payload, delivery);
    } catch (error) {
      this.parts.log.info(
        { reason: messageOf(error) },
        'an accepted job was interrupted; it will be continued',
      );
      return this.parts.closing.aborted ? { handBack: true } : { againInMs: AGAIN_MS };
    } finally {
      this.#underWay -= 1;
    }
  }

  async #continueJob({ jobId, ref }: AcceptedPayload, { signal, stalls }: Delivery): Promise<JobResult> {
    const { jobs, closing, log } = this.parts;
    const job = await jobs.ingress.getJob(jobId);
    // The waiting job is gone; or this one was added again by a process that did not know that the job has ended.
    if (job === undefined || job.finishedOn !== undefined) return DONE;
    const held = new HeldJob(job, AbortSignal.any([signal, closing]), log);
    try {
      return { done: true, value: await unlessAborted(held.signal, this.#finish(held, ref, stalls)) };
    } finally {
      await held.settle();
    }
  }

  async #finish(held: HeldJob, ref: AcceptedPayload['ref'], stalls: number): ReturnType<FinishJob> {
    const { accept, finish, onEndless } = this.parts;
    if (stalls > TAKEN_MAX) {
      await onEndless(held, stalls);
      return endless(stalls);
    }
    const accepted = ref === null ? await accept(held) : { ref };
    return 'failure' in accepted ? accepted : finish(held, accepted.ref);
  }
}

/* Some work does not react to the signal: the process that takes the job up next waits for it instead. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(new Error('the work on the job was interrupted'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
