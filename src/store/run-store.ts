import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';

/** How long a job may be away from every process and still go on where it was. */
const TTL_MS = 24 * 3_600_000;

/** How long the first job with a dedup key is remembered; as long as an Idempotency-Key. */
const FIRST_TTL_MS = 24 * 3_600_000;

/** How far a job with steps is: what was written down before the step that is under way. */
export interface RunState {
  /** Number of steps that are done, which is the index of the next one. */
  readonly done: number;
  /** What they have given, in order, as JSON. */
  readonly outputs: readonly string[];
}

/** Remembers how far jobs with steps are, so that another process can go on with them. */
export class RunStore {
  constructor(private readonly redis: Redis) {}

  /** Makes a job the one of its dedup key, and answers null; the id of the other one that was before it otherwise. */
  async otherOf(
    dedupKey: string,
    job: { readonly jobKey: string; readonly id: string },
  ): Promise<string | null> {
    const key = keys.runOf(dedupKey);
    await this.redis.set(key, `${job.jobKey}|${job.id}`, 'PX', FIRST_TTL_MS, 'NX');
    const [jobKey, ...id] = ((await this.redis.get(key)) ?? '').split('|');
    // Also when it is taken up again, or the command was sent twice.
    return jobKey === job.jobKey ? null : id.join('|');
  }

  /** Where a job is; at its beginning if nothing is known. */
  async load(jobKey: string): Promise<RunState> {
    const [done = '0', ...outputs] = await this.redis.lrange(keys.run(jobKey), 0, -1);
    return { done: Number(done), outputs };
  }

  /** Writes down how far a job is. */
  async save(jobKey: string, { done, outputs }: RunState): Promise<void> {
    const key = keys.run(jobKey);
    await this.redis
      .multi()
      .del(key)
      .rpush(key, done, ...outputs)
      .pexpire(key, TTL_MS)
      .exec();
  }

  /** The job has ended. */
  async forget(jobKey: string): Promise<void> {
    await this.redis.del(keys.run(jobKey));
  }
}
