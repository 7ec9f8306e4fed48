import { setImmediate } from 'node:timers/promises';
import type { Job, Queue } from 'bullmq';
import type { SessionRef } from '../core/ids';
import { isRedisAway } from '../redis/errors';
import { keyOfJob, nameOf } from './ingress-job';
import type { JobOutcome } from './ingress-handler';
import type { AcceptedPayload } from './payloads';

/** How many jobs are checked in one pass at most. */
const BATCH = 1_000;

const RUNNABLE_STATES: ReadonlySet<string> = new Set(['waiting', 'prioritized', 'active', 'delayed']);

const LOST: JobOutcome = { failure: 'internal_error: the service failed; its logs have details' };

/**
 * Accepted jobs of other services, which wait for their sessions in parallel. For each, a child job (in BullMQ's sense)
 * is added to the queue `accepted`. The job itself waits for its child outside the order of `ingress`, and comes back
 * ahead of all others with the child's result.
 */
export class AcceptedJobs {
  /**
   * @param ingress - the queue that other services put jobs into
   * @param accepted - Holdfast's own queue; under the same hash tag, since one script touches a job and its child
   */
  constructor(
    readonly ingress: Queue,
    private readonly accepted: Queue,
  ) {}

  /**
   * Adds the child that continues the given job with its session, and makes the job wait for its result.
   *
   * @returns whether the job waits now; false: its child has ended already
   */
  async waitForChild(job: Job, ref: SessionRef, token: string): Promise<boolean> {
    if (job.attemptsStarted > 1) await this.#removeStaleChild(job);
    try {
      return await this.#addAndWait(job, ref, token);
    } catch (error) {
      if (isRedisAway(error)) throw error;
      await this.#removeStaleChild(job);
      return this.#addAndWait(job, ref, token);
    }
  }

  async #addAndWait(job: Job, ref: SessionRef, token: string): Promise<boolean> {
    const adding = this.#add(job, ref);
    // Both commands go to Redis in one round trip, because all jobs after this one wait for it.
    await setImmediate();
    const [isWaiting] = await Promise.all([job.moveToWaitingChildren(token), adding]);
    return isWaiting || job.moveToWaitingChildren(token);
  }

  async #add(job: Job, ref: SessionRef | null): Promise<void> {
    const id = job.id ?? '';
    const payload: AcceptedPayload = { v: 1, jobId: id, ref };
    await this.accepted.add(nameOf(job), payload, {
      jobId: childId(job),
      parent: { id, queue: job.queueQualifiedName },
      // The job then comes back also if the child fails.
      ignoreDependencyOnFailure: true,
    });
  }

  /** The outcome of a job; null: it has no child yet, or the child has not ended. */
  async outcomeOf(job: Job): Promise<JobOutcome | null> {
    // It is fetched for the first time.
    if (job.attemptsStarted <= 1) return null;
    const key = this.accepted.toKey(childId(job));
    // SAFETY: only the consumer of accepted jobs ends a child, with an outcome; with null if Holdfast did not add it.
    const values = (await job.getChildrenValues()) as Readonly<Record<string, JobOutcome | null>>;
    const outcome = values[key] ?? null;
    if (outcome !== null) return outcome;
    const failures = await job.getIgnoredChildrenFailures();
    return failures[key] === undefined ? null : LOST;
  }

  /** Continues jobs whose child is missing, because its queue was deleted or damaged; answers how many they were. */
  async recoverLost(): Promise<number> {
    const [waiting, going] = await Promise.all([
      this.ingress.getWaitingChildrenCount(),
      this.accepted.getJobCountByTypes('wait', 'prioritized', 'delayed', 'active'),
    ]);
    if (going >= waiting) return 0;
    let recovered = 0;
    for (const id of await this.ingress.getRanges(['waiting-children'], 0, BATCH - 1, true)) {
      const job = await this.ingress.getJob(id);
      if (job !== undefined && (await this.#isLost(job))) {
        await this.#removeStaleChild(job);
        await this.#add(job, null);
        recovered += 1;
      }
    }
    return recovered;
  }

  /* Removes a job with the child's id that cannot run; while it is there, adding the child does nothing. */
  async #removeStaleChild(job: Job): Promise<void> {
    const id = childId(job);
    if (RUNNABLE_STATES.has(await this.accepted.getJobState(id))) return;
    await this.accepted.remove(id);
  }

  /* The order of these reads matters: one step ends the child and brings its job back. */
  async #isLost(job: Job): Promise<boolean> {
    return (await this.accepted.getJobState(childId(job))) === 'unknown' && (await job.isWaitingChildren());
  }
}

/* With a letter: BullMQ does not accept numbers as ids. */
const childId = (job: Job): string => `a.${keyOfJob(job)}`;
