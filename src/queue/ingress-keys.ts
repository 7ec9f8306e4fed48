import type { Redis } from '../redis/connection';
import { INGRESS_PREFIX } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';

/** The queue that other services put jobs into. */
export const INGRESS_QUEUE = 'ingress';

/** At most so many active jobs are looked at in one go. */
const CLAIM_LIMIT = 1_000;

/** A job that has lost its consumer, and how often that has happened to it. */
export interface ClaimedJob {
  readonly id: string;
  readonly taken: number;
}

/** What the consumer has to know of the queue's keys and BullMQ has no call for (6.7). */
export class IngressKeys {
  readonly #prefix = `${INGRESS_PREFIX}:${INGRESS_QUEUE}:`;

  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /**
   * Takes over every active job whose lock has lapsed, in the order in which they were fetched.
   *
   * @param token - value of the new locks
   * @param lockMs - how long they hold
   * @param shortMs - a lock that holds for no longer than this is one of a job that is not accepted yet
   * @returns the jobs, and how long the longest of those short locks still holds, milliseconds
   */
  async claim(
    token: string,
    lockMs: number,
    shortMs: number,
  ): Promise<{ readonly waitMs: number; readonly jobs: readonly ClaimedJob[] }> {
    const args = [this.#prefix, token, lockMs, CLAIM_LIMIT, shortMs];
    const reply = await this.scripts.run('claimJobs', [`${this.#prefix}active`], args);
    // SAFETY: the header of the script says so.
    const [waitMs, ...claimed] = reply as [number, ...(string | number)[]];
    const jobs: ClaimedJob[] = [];
    for (let at = 0; at + 1 < claimed.length; at += 2) {
      jobs.push({ id: String(claimed[at]), taken: Number(claimed[at + 1]) });
    }
    return { waitMs, jobs };
  }

  /** The name of the job that would be fetched next; null if none waits. */
  async nextName(): Promise<string | null> {
    const [next] = await this.redis.lrange(`${this.#prefix}wait`, -1, -1);
    return next === undefined ? null : this.redis.hget(this.#prefix + next, 'name');
  }

  /** Whether a job is somebody else's now, or gone. A lock that has lapsed may still become ours again. */
  async isLost(id: string, token: string): Promise<boolean> {
    const [holder, exists] = await Promise.all([
      this.redis.get(`${this.#prefix}${id}:lock`),
      this.redis.exists(this.#prefix + id),
    ]);
    return exists === 0 || (holder !== null && holder !== token);
  }

  /** Forgets whose child a job is: its end would be written into keys of its producer's choice. */
  async disown(id: string): Promise<void> {
    await this.redis.hdel(this.#prefix + id, 'parent', 'parentKey');
  }

  /** Wakes whoever waits for a job. */
  async wake(): Promise<void> {
    await this.redis.zadd(`${this.#prefix}marker`, 0, '0');
  }
}
