import type { Job } from 'bullmq';
import type { Redis } from '../redis/connection';

/**
 * Changes fields of a job's hash that tell BullMQ's scripts where to put it, and that BullMQ has no API to change while
 * the job is active (6.7). A producer that writes jobs without BullMQ can put anything there.
 */
export class IngressKeys {
  constructor(private readonly redis: Redis) {}

  /** Removes a job's parent: its end would be written into keys of the producer's choice. */
  async removeParent(job: Job): Promise<void> {
    await this.redis.hdel(hashOf(job), 'parent', 'parentKey');
  }

  /** Removes priority and delay, which have served their purpose: when the job comes back it is the first. */
  async clearPriority(job: Job): Promise<void> {
    if (job.priority === 0 && job.delay === 0) return;
    await this.redis.hset(hashOf(job), { priority: 0, delay: 0 });
  }

  /**
   * Removes what BullMQ stored with an ended job about its child. The job's result repeats it, and a producer that may
   * only touch the keys of its queue could not remove the job otherwise.
   */
  async removeChildResults(job: Job): Promise<void> {
    await this.redis.del(`${hashOf(job)}:processed`, `${hashOf(job)}:failed`);
  }
}

const hashOf = (job: Job): string => `${job.queueQualifiedName}:${job.id ?? ''}`;
