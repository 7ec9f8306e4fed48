import type { Redis } from '../redis/connection';
import { QUEUE_PLACES, type QueuePlace } from './queues';

/** How many jobs one queue holds. */
export interface QueueDepth {
  readonly queue: string;
  readonly jobs: Readonly<Record<'waiting' | 'active' | 'delayed' | 'completed' | 'failed', number>>;
  /** When the job that has waited longest was added, epoch ms by its producer's clock; null if none waits. */
  readonly oldestWaitingAtMs: number | null;
}

/** Stands for the answer if a key does not hold what BullMQ writes; the next sweep repairs it. */
const DAMAGED = Symbol('damaged');

/**
 * Reads the depths of all queues in two round trips. BullMQ's own counts take one script for each queue, and its way to
 * the oldest job reads the whole job, which on `ingress` may be of any size.
 */
export class QueueDepths {
  constructor(private readonly redis: Redis) {}

  /**
   * Reads all queues except damaged ones: producers can write into the keys of `ingress`, and must not be able to
   * suppress the figures of the other queues.
   *
   * @throws what Redis throws while it is away.
   */
  async read(): Promise<readonly QueueDepth[]> {
    const depths = await Promise.all(QUEUE_PLACES.map(place => this.#depthOf(place)));
    return depths.filter(depth => depth !== null);
  }

  /* A pipeline for each queue: in a cluster not all of them are on one node. */
  async #depthOf({ queue, prefix }: QueuePlace): Promise<QueueDepth | null> {
    const key = (name: string): string => `${prefix}${name}`;
    const pipeline = this.redis.pipeline();
    pipeline.llen(key('wait')).llen(key('paused')).zcard(key('prioritized')).llen(key('active'));
    pipeline.zcard(key('delayed')).zcard(key('completed')).zcard(key('failed'));
    pipeline.lindex(key('wait'), -1).zrange(key('prioritized'), '0', '0');
    const answers = await answersOf(pipeline);
    if (answers.includes(DAMAGED)) return null;
    const [wait, paused, prioritized, active, delayed, completed, failed, ...next] = answers;
    const waiting = Number(wait) + Number(paused) + Number(prioritized);
    const jobs = { waiting, active: Number(active), delayed: Number(delayed) };
    const kept = { completed: Number(completed), failed: Number(failed) };
    const ids = next.flat().filter(id => typeof id === 'string');
    return { queue, jobs: { ...jobs, ...kept }, oldestWaitingAtMs: await this.#oldest(ids.map(key)) };
  }

  async #oldest(waitingKeys: readonly string[]): Promise<number | null> {
    if (waitingKeys.length === 0) return null;
    const pipeline = this.redis.pipeline();
    for (const key of waitingKeys) pipeline.hget(key, 'timestamp');
    const added = (await answersOf(pipeline)).filter(stamp => typeof stamp === 'string');
    const times = added.map(Number).filter(ms => Number.isFinite(ms) && ms >= 0);
    return times.length === 0 ? null : Math.min(...times);
  }
}

async function answersOf(pipeline: ReturnType<Redis['pipeline']>): Promise<unknown[]> {
  const answers = (await pipeline.exec()) ?? [];
  return answers.map(([error, reply]) => {
    if (error === null) return reply;
    if (error.message.startsWith('WRONGTYPE')) return DAMAGED;
    throw error;
  });
}
