import { setImmediate } from 'node:timers/promises';
import type { Job, Queue } from 'bullmq';
import type { SessionRef } from '../core/ids';
import { isRedisAway } from '../redis/errors';
import { keyOfJob, nameOf } from './ingress-job';
import type { JobOutcome } from './ingress-handler';
import type { AcceptedPayload } from './payloads';

/** At most so many jobs are looked at in one go. */
const BATCH = 1_000;

const GOING_ON: ReadonlySet<string> = new Set(['waiting', 'prioritized', 'active', 'delayed']);

const LOST: JobOutcome = { failure: 'internal_error: something of ours broke; the log knows more' };

/**
 * Accepted jobs of other services, which wait for their sessions beside each other. Each is a child, in BullMQ's sense, on
 * a queue of our own: its job waits for it out of the way, and comes back in front of all others with what it gave.
 */
export class AcceptedJobs {
  /**
   * @param ingress - the queue that other services put jobs into
   * @param accepted - our own; under the same hash tag, since one script touches a job and its child
   */
  constructor(
    readonly ingress: Queue,
    private readonly accepted: Queue,
  ) {}

  /**
   * Has the job in hand go on with its session, and wait for what that gives.
   *
   * @returns whether it waits now; false: it has come to its end already
   */
  async handOn(job: Job, ref: SessionRef, token: string): Promise<boolean> {
    if (job.attemptsStarted > 1) await this.#makeWay(job);
    try {
      return await this.#handOn(job, ref, token);
    } catch (error) {
      if (isRedisAway(error)) throw error;
      await this.#makeWay(job);
      return this.#handOn(job, ref, token);
    }
  }

  async #handOn(job: Job, ref: SessionRef, token: string): Promise<boolean> {
    const adding = this.#add(job, ref);
    // One way to Redis for both, on one connection: all behind this job wait for it.
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
      // Then the job comes back as well.
      ignoreDependencyOnFailure: true,
    });
  }

  /** What a job has come to; null: it does not go on yet, or still does. */
  async outcomeOf(job: Job): Promise<JobOutcome | null> {
    // Nobody has had it in hand before.
    if (job.attemptsStarted <= 1) return null;
    const key = this.accepted.toKey(childId(job));
    // SAFETY: only our consumer of accepted jobs ends one, with an outcome; with null, if it was no job of ours.
    const values = (await job.getChildrenValues()) as Readonly<Record<string, JobOutcome | null>>;
    const outcome = values[key] ?? null;
    if (outcome !== null) return outcome;
    const failures = await job.getIgnoredChildrenFailures();
    return failures[key] === undefined ? null : LOST;
  }

  /**
   * Has those go on that wait for a child that is not there, because its queue was deleted or damaged; answers how many
   * they were.
   */
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
        await this.#makeWay(job);
        await this.#add(job, null);
        recovered += 1;
      }
    }
    return recovered;
  }

  /* Whatever stands under its child's id and does not go on: adding the child would do nothing. */
  async #makeWay(job: Job): Promise<void> {
    const id = childId(job);
    if (GOING_ON.has(await this.accepted.getJobState(id))) return;
    await this.accepted.remove(id);
  }

  /* In this order: one step ends the child and brings its job back. */
  async #isLost(job: Job): Promise<boolean> {
    return (await this.accepted.getJobState(childId(job))) === 'unknown' && (await job.isWaitingChildren());
  }
}

/* With a letter: BullMQ takes no numbers. */
const childId = (job: Job): string => `a.${keyOfJob(job)}`;
