import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { redisNowMs } from './redis-time';

/* The baseline for everything that waits in a queue: plain BullMQ on the same Redis. */

const QUEUE = 'bare';
const CONCURRENCY = 50;

interface Due {
  readonly dueMs: number;
}

/** One queue and one worker in this process. A delayed job reports how late it came, by Redis `TIME`. */
export class BareQueue {
  readonly #done: (Due & { readonly atMs: number })[] = [];
  #processed = 0;
  #wake: () => void = () => undefined;
  readonly #queue: Queue<Due>;
  readonly #worker: Worker<Due>;

  private constructor(
    private readonly redis: Redis,
    socketPath: string,
  ) {
    const connection = { path: socketPath, maxRetriesPerRequest: null };
    this.#queue = new Queue(QUEUE, {
      connection,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    this.#worker = new Worker<Due>(QUEUE, job => this.#process(job.data), {
      connection,
      concurrency: CONCURRENCY,
    });
    // Errors of the connection need no log: an outage of Redis shows in the figures.
    this.#queue.on('error', () => undefined);
    this.#worker.on('error', () => undefined);
  }

  /** @param socketPath - of the Redis */
  static async open(socketPath: string): Promise<BareQueue> {
    const redis = new Redis({ path: socketPath, maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    const queue = new BareQueue(redis, socketPath);
    await queue.#worker.waitUntilReady();
    return queue;
  }

  /** How late each delayed job came. */
  get latenessMs(): number[] {
    return this.#done.map(({ dueMs, atMs }) => atMs - dueMs);
  }

  /** When each delayed job came, by Redis `TIME`. */
  get doneAtMs(): number[] {
    return this.#done.map(({ atMs }) => atMs);
  }

  /** Adds jobs that are due at these moments of Redis `TIME`. */
  async delay(duesMs: readonly number[]): Promise<void> {
    const nowMs = await redisNowMs(this.redis);
    await this.#queue.addBulk(
      duesMs.map(dueMs => ({ name: 'due', data: { dueMs }, opts: { delay: Math.max(0, dueMs - nowMs) } })),
    );
  }

  /** Resolves when so many jobs have been processed in all. */
  async processed(total: number): Promise<void> {
    while (this.#processed < total) await new Promise<void>(resolve => (this.#wake = resolve));
  }

  /** Jobs per second, added and processed one by one, so many of them under way at a time. */
  async rate(forMs: number, underWay: number): Promise<number> {
    const before = this.#processed;
    const startedMs = performance.now();
    let added = before;
    while (performance.now() - startedMs < forMs) {
      await Promise.all(
        Array.from({ length: Math.max(1, underWay - (added - this.#processed)) }, () => {
          added += 1;
          return this.#queue.add('now', { dueMs: 0 });
        }),
      );
    }
    await this.processed(added);
    return (this.#processed - before) / ((performance.now() - startedMs) / 1_000);
  }

  async close(): Promise<void> {
    await this.#worker.close();
    await this.#queue.close();
    this.redis.disconnect();
  }

  async #process({ dueMs }: Due): Promise<void> {
    if (dueMs > 0) this.#done.push({ dueMs, atMs: await redisNowMs(this.redis) });
    this.#processed += 1;
    this.#wake();
  }
}
