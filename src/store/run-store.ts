import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';

/** How long a job may be without a process and still continue where it was. */
const TTL_MS = 24 * 3_600_000;

/** How long the first job with a dedup key is remembered; as long as an Idempotency-Key. */
const FIRST_TTL_MS = 24 * 3_600_000;

/** Progress of a job with steps, as stored before the current step. */
export interface RunState {
  /** Number of steps that are done, which is the index of the next one. */
  readonly done: number;
  /** Their outputs, in order, as JSON. */
  readonly outputs: readonly string[];
}

/** Stores the progress of jobs with steps, so that another process can continue them. */
export class RunStore {
  constructor(private readonly redis: Redis) {}

  /**
   * Registers a job as the first of its dedup key and answers null; if another job was first, answers that one's id.
   */
  async otherOf(
    dedupKey: string,
    job: { readonly jobKey: string; readonly id: string },
  ): Promise<string | null> {
    const key = keys.runOf(dedupKey);
    await this.redis.set(key, `${job.jobKey}|${job.id}`, 'PX', FIRST_TTL_MS, 'NX');
    const [jobKey, ...id] = ((await this.redis.get(key)) ?? '').split('|');
    // The job itself may be first already: it was taken up again, or the command was sent twice.
    return jobKey === job.jobKey ? null : id.join('|');
  }

  /** The progress of a job; none if nothing is stored. */
  async load(jobKey: string): Promise<RunState> {
    const [done = '0', ...outputs] = await this.redis.lrange(keys.run(jobKey), 0, -1);
    return { done: Number(done), outputs };
  }

  /** Stores the progress of a job. */
  async save(jobKey: string, { done, outputs }: RunState): Promise<void> {
    const key = keys.run(jobKey);
    await this.redis
      .multi()
      .del(key)
      .rpush(key, done, ...outputs)
      .pexpire(key, TTL_MS)
      .exec();
  }

  /** Forgets a job that has ended. */
  async forget(jobKey: string): Promise<void> {
    await this.redis.del(keys.run(jobKey));
  }
}
