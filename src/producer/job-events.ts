import { Queue, QueueEvents } from 'bullmq';
import type { Cluster, Redis } from 'ioredis';
import { inTime } from './deadline';
import { errorOfReason, JobError } from './errors';
import type { Progress } from './jobs';
import { EVENTS_BLOCK_MS, eventsConnection, openCommandClient } from './redis-options';

const QUEUE = 'ingress';

/** How a job has ended. */
export type JobEnd = { readonly result: unknown } | { readonly error: JobError };

/** Follows one job. */
export interface JobFollower {
  /** Called at once with the known progress, then with every update. */
  readonly onProgress: (progress: Progress) => void;
  /** Called once. */
  readonly onEnd: (end: JobEnd) => void;
}

/**
 * One connection to the queue and one to its events, for all jobs of a producer. A follower gets the end of its job
 * exactly once, whenever the job ended: events are read from a known position on, and earlier ends from the job itself,
 * at the start and after each broken connection.
 */
export class JobEvents {
  readonly queue: Queue;
  readonly #redis: Redis | Cluster;
  readonly #followers = new Map<string, Set<JobFollower>>();
  #events: Promise<QueueEvents> | null = null;
  #closed = false;
  #lastError: Error | null = null;

  constructor(
    private readonly redisUrl: string,
    private readonly prefix: string,
  ) {
    this.#redis = openCommandClient(redisUrl, prefix);
    // Reported when a wait for the connection times out.
    this.#redis.on('error', (error: Error) => (this.#lastError = error));
    // The latter is a cluster's word for a node that is new, perhaps in the place of another one.
    for (const event of ['ready', '+node']) {
      this.#redis.on(event, () => {
        this.#lastError = null;
        void this.#lookAgain();
      });
    }
    this.queue = new Queue(QUEUE, { connection: this.#redis, prefix });
    this.queue.on('error', () => undefined);
  }

  /** Follows a job until `stop` is called, or it has ended. Resolves when no event can be missed any more. */
  async follow(jobId: string, follower: JobFollower): Promise<{ readonly stop: () => void }> {
    if (this.#closed) throw new JobError('closed', 'The producer is closed.', jobId);
    const followers = this.#followers.get(jobId) ?? new Set();
    this.#followers.set(jobId, followers.add(follower));
    const stop = (): void => {
      followers.delete(follower);
      if (followers.size === 0) this.#followers.delete(jobId);
    };
    try {
      await this.inTime(this.#watch(jobId), jobId);
    } catch (cause) {
      stop();
      throw unavailable(cause, jobId);
    }
    return { stop };
  }

  /**
   * Waits for Redis for a limited time. @throws JobError `redis_unavailable`, with the last error of the connection.
   */
  async inTime<T>(work: Promise<T>, jobId: string | null): Promise<T> {
    return inTime(work, jobId, () => this.#lastError);
  }

  /** Closes the connections; pending waits reject with `closed`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const jobId of [...this.#followers.keys()]) {
      this.#end(jobId, { error: new JobError('closed', 'The producer was closed.', jobId) });
    }
    // First, so that commands that wait for a connection end.
    this.#redis.disconnect();
    const events = await this.#events?.catch(() => null);
    await events?.close();
    await this.queue.close();
  }

  async #watch(jobId: string): Promise<void> {
    this.#events ??= this.#open();
    await this.#events;
    await this.#look(jobId);
  }

  /* Reads from the newest event's id on, so that the first read includes events that came before it. */
  async #open(): Promise<QueueEvents> {
    try {
      const [newest] = await this.#redis.xrevrange(`${this.prefix}:${QUEUE}:events`, '+', '-', 'COUNT', 1);
      const events = new QueueEvents(QUEUE, {
        connection: eventsConnection(this.redisUrl, this.prefix),
        prefix: this.prefix,
        lastEventId: newest?.[0] ?? '0-0',
        blockingTimeout: EVENTS_BLOCK_MS,
      });
      events.on('error', () => undefined);
      events.on('completed', ({ jobId, returnvalue }) => this.#end(jobId, { result: returnvalue }));
      events.on('failed', ({ jobId, failedReason }) =>
        this.#end(jobId, { error: errorOfReason(failedReason, jobId) }),
      );
      events.on('removed', ({ jobId }) => this.#end(jobId, { error: cancelled(jobId) }));
      // SAFETY: the contract says what progress looks like.
      events.on('progress', ({ jobId, data }) => this.#progress(jobId, data as Progress));
      return events;
    } catch (error) {
      // The next call of `follow` tries again.
      this.#events = null;
      throw error;
    }
  }

  async #lookAgain(): Promise<void> {
    if (this.#events === null) return;
    for (const jobId of [...this.#followers.keys()]) {
      // Redis is away again; another `ready` follows.
      await this.#look(jobId).catch(() => undefined);
    }
  }

  async #look(jobId: string): Promise<void> {
    const job = await this.queue.getJob(jobId);
    if (!this.#followers.has(jobId)) return;
    if (job === undefined) {
      const message = 'There is no such job. It was removed, or it ended too long ago.';
      this.#end(jobId, { error: new JobError('job_not_found', message, jobId) });
      return;
    }
    const progress: unknown = job.progress;
    // BullMQ's initial value is 0.
    if (typeof progress === 'object') {
      // SAFETY: the contract says what progress looks like.
      this.#progress(jobId, progress as Progress);
    }
    if (job.finishedOn === undefined) return;
    this.#end(
      jobId,
      // BullMQ sets a reason exactly if the job has failed.
      typeof job.failedReason === 'string'
        ? { error: errorOfReason(job.failedReason, jobId) }
        : { result: job.returnvalue },
    );
  }

  #progress(jobId: string, progress: Progress): void {
    this.#followers.get(jobId)?.forEach(follower => follower.onProgress(progress));
  }

  #end(jobId: string, end: JobEnd): void {
    const followers = this.#followers.get(jobId);
    this.#followers.delete(jobId);
    followers?.forEach(follower => follower.onEnd(end));
  }
}

const cancelled = (jobId: string): JobError =>
  new JobError('cancelled', 'The job was removed from the queue.', jobId);

/** The error of a call that needs Redis while it is away. */
export function unavailable(cause: unknown, jobId: string | null): JobError {
  if (cause instanceof JobError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new JobError('redis_unavailable', `Redis did not answer: ${message}`, jobId, cause);
}
