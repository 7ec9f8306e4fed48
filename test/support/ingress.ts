import { Queue, QueueEvents, type Job, type JobsOptions } from 'bullmq';
import { Redis } from 'ioredis';
import type { TestRedis } from './redis';

interface ProducerAccess extends Pick<TestRedis, 'socketPath'> {
  /** Left out: none. */
  readonly password?: string;
}

/** A producer as another service has it: with BullMQ, and with name and prefix of the queue. */
export class TestProducer {
  readonly queue: Queue;
  readonly events: QueueEvents;
  readonly #redis: Redis;

  private constructor({ socketPath, password }: ProducerAccess) {
    const connection = {
      path: socketPath,
      maxRetriesPerRequest: null,
      ...(password === undefined ? {} : { password }),
    };
    const options = { connection, prefix: '{hf-in}' };
    this.queue = new Queue('ingress', options);
    this.events = new QueueEvents('ingress', options);
    this.#redis = new Redis(connection);
    // Errors come while a test restarts Redis; a caller that waits gets them in another way.
    this.#redis.on('error', () => undefined);
    this.queue.on('error', () => undefined);
    this.events.on('error', () => undefined);
  }

  /** Connects to the Redis of a test. */
  static async open(access: ProducerAccess): Promise<TestProducer> {
    const producer = new TestProducer(access);
    await Promise.all([producer.queue.waitUntilReady(), producer.events.waitUntilReady()]);
    return producer;
  }

  /** Adds a job of version 1. */
  async add(name: string, data: Record<string, unknown> = {}, options: JobsOptions = {}): Promise<Job> {
    return this.queue.add(name, { v: 1, ...data }, options);
  }

  /** The result of a job; rejects with the reason of its failure. */
  async result(job: Job, timeoutMs = 60_000): Promise<Record<string, unknown>> {
    // SAFETY: every result of the service is an object.
    return (await job.waitUntilFinished(this.events, timeoutMs)) as Record<string, unknown>;
  }

  /** Adds a job and waits for its end. */
  async run(
    name: string,
    data: Record<string, unknown> = {},
    options: JobsOptions = {},
  ): Promise<Record<string, unknown>> {
    return this.result(await this.add(name, data, options));
  }

  /** Why a job fails. */
  async failure(
    name: string,
    data: Record<string, unknown> = {},
    options: JobsOptions = {},
  ): Promise<string> {
    try {
      await this.run(name, data, options);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    throw new Error('the job did not fail');
  }

  /** How many sessions the tenant has. */
  async count(tenant = 'default'): Promise<number> {
    return this.#redis.zcard(`{hf}:ix:${tenant}:all`);
  }

  /** The ids of the tenant's sessions, in the order in which they were made. */
  async sessionIds(tenant = 'default'): Promise<string[]> {
    const members = await this.#redis.zrange(`{hf}:ix:${tenant}:all`, '0', '-1');
    return members.map(member => member.slice(12));
  }

  /** Disconnects. */
  async close(): Promise<void> {
    await Promise.all([this.queue.close(), this.events.close()]);
    this.#redis.disconnect();
  }
}
