import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';

/** How long a job may be away from every process and still go on where it was. */
const TTL_MS = 24 * 3_600_000;

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
