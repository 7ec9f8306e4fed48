import type { Job } from 'bullmq';
import type { Redis } from '../redis/connection';

/**
 * Fields of a job's hash that say where BullMQ's scripts put it, and that BullMQ has no call to change while it is active
 * (6.7). Whoever writes jobs without BullMQ can put anything there.
 */
export class IngressKeys {
  constructor(private readonly redis: Redis) {}

  /** Forgets whose child a job is: its end would be written into keys of its producer's choice. */
  async disown(job: Job): Promise<void> {
    await this.redis.hdel(hashOf(job), 'parent', 'parentKey');
  }

  /** Its producer's priority and delay have had their say: when it comes back it is the first. */
  async comesBackFirst(job: Job): Promise<void> {
    if (job.priority === 0 && job.delay === 0) return;
    await this.redis.hset(hashOf(job), { priority: 0, delay: 0 });
  }

  /**
   * Forgets what an ended job was told of its child: its result says it again, and a producer who may touch the keys of
   * his queue alone could not remove the job.
   */
  async forgetChild(job: Job): Promise<void> {
    await this.redis.del(`${hashOf(job)}:processed`, `${hashOf(job)}:failed`);
  }
}

const hashOf = (job: Job): string => `${job.queueQualifiedName}:${job.id ?? ''}`;
