import type { Redis } from '../redis/connection';
import { QUEUE_PLACES } from './queues';

/** How many jobs one queue holds. */
export interface QueueDepth {
  readonly queue: string;
  readonly jobs: Readonly<Record<'waiting' | 'active' | 'delayed' | 'completed' | 'failed', number>>;
  /** When the job that has waited longest was added, epoch ms by its producer's clock; null if none waits. */
  readonly oldestWaitingAtMs: number | null;
}

/**
 * Number of commands for one queue, in this order; lists and sorted sets as BullMQ's own `getCounts` script reads them.
 */
const ASKED = 9;

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
    const pipeline = this.redis.pipeline();
    for (const { prefix } of QUEUE_PLACES) {
      const key = (name: string): string => `${prefix}${name}`;
      pipeline.llen(key('wait')).llen(key('paused')).zcard(key('prioritized')).llen(key('active'));
      pipeline.zcard(key('delayed')).zcard(key('completed')).zcard(key('failed'));
      pipeline.lindex(key('wait'), -1).zrange(key('prioritized'), '0', '0');
    }
    const replies = await answersOf(pipeline);
    const depths = QUEUE_PLACES.flatMap(({ prefix, queue }, index) => {
      const answers = replies.slice(index * ASKED, (index + 1) * ASKED);
      if (answers.includes(DAMAGED)) return [];
      const [wait, paused, prioritized, active, delayed, completed, failed, ...next] = answers;
      const waiting = Number(wait) + Number(paused) + Number(prioritized);
      const jobs = { waiting, active: Number(active), delayed: Number(delayed) };
      const kept = { completed: Number(completed), failed: Number(failed) };
      const ids = next.flat().filter(id => typeof id === 'string');
      return [{ queue, jobs: { ...jobs, ...kept }, waitingKeys: ids.map(id => `${prefix}${id}`) }];
    });
    return this.#withOldest(depths);
  }

  async #withOldest(
    depths: readonly (Omit<QueueDepth, 'oldestWaitingAtMs'> & { readonly waitingKeys: readonly string[] })[],
  ): Promise<readonly QueueDepth[]> {
    const pipeline = this.redis.pipeline();
    for (const { waitingKeys } of depths) for (const key of waitingKeys) pipeline.hget(key, 'timestamp');
    const stamps = pipeline.length === 0 ? [] : await answersOf(pipeline);
    return depths.map(({ waitingKeys, ...depth }) => {
      const added = stamps.splice(0, waitingKeys.length).filter(stamp => typeof stamp === 'string');
      const times = added.map(Number).filter(ms => Number.isFinite(ms) && ms >= 0);
      return { ...depth, oldestWaitingAtMs: times.length === 0 ? null : Math.min(...times) };
    });
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
