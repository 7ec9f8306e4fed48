import type { Job } from 'bullmq';
import { Random } from '../chaos/random';
import { TestProducer } from '../support/ingress';
import { Installation, type Role } from '../support/installation';
import { startRedis, type TestRedis } from '../support/redis';
import { RedisProxy } from '../support/redis-proxy';
import { pollUntil } from '../support/poll-until';

/** A fault while jobs are accepted. */
export type Fault = Extract<Role, 'api' | 'worker' | 'redis'> | 'connections';

/** The options of one run. */
export interface OrderRun {
  readonly name: string;
  readonly jobs: number;
  /** The faults, one after the other, each at a moment that follows from the seed. */
  readonly faults: readonly Fault[];
  readonly seed: number;
}

/** The result of a run. */
export interface OrderResult {
  readonly asked: readonly string[];
  /** The sessions, in the order in which they were made. */
  readonly made: readonly string[];
  /** Why jobs failed; none should. */
  readonly failures: readonly string[];
  readonly tookMs: number;
}

/** Longer than a run: a job whose process died is taken over after up to 12 s, and its session must still be live. */
const SESSION_TIMEOUT_MS = 180_000;

/** Longer than a process takes to notice that Redis is away. */
const SLOWEST_RETURN_MS = 1_500;

/**
 * An installation with a Redis behind a network, for runs in which a producer asks for sessions while processes and
 * connections die. Each connection returns at once or after a random time.
 */
export class OrderBench {
  private constructor(
    readonly installation: Installation,
    readonly producer: TestProducer,
    private readonly redis: TestRedis,
    private readonly network: RedisProxy,
  ) {}

  /** Starts it, with the null browser and room for all sessions of a run. */
  static async start(jobsPerRun: number): Promise<OrderBench> {
    // Order and number are promised for what Redis has acknowledged as stored. With `everysec` it may acknowledge
    // during an fsync and still lose it.
    const redis = await startRedis({ appendonly: true, appendfsync: 'always' });
    const network = await RedisProxy.start(redis.socketPath);
    const env = { HOLDFAST_SLOTS: String(jobsPerRun), REDIS_URL: network.url };
    const installation = await Installation.start({ env });
    return new OrderBench(installation, await TestProducer.open(redis), redis, network);
  }

  /** Adds jobs, makes the faults, waits for every job to end. */
  async run({ name, jobs, faults, seed }: OrderRun): Promise<OrderResult> {
    const startedMs = performance.now();
    const random = new Random(seed);
    this.network.returnAfter(() => (random.next() < 0.5 ? 0 : random.between(0, SLOWEST_RETURN_MS)));
    const before = await this.producer.count();
    const asked = Array.from({ length: jobs }, (_, index) => `${name}-${String(index).padStart(4, '0')}`);
    const added = await this.producer.queue.addBulk(
      asked.map(sessionId => ({
        name: 'session.create',
        data: { v: 1, sessionId, timeout: SESSION_TIMEOUT_MS, queueTimeout: SESSION_TIMEOUT_MS },
      })),
    );
    for (const [index, fault] of faults.entries()) {
      const at = before + Math.floor(((index + random.next()) * jobs) / faults.length);
      await pollUntil(`${at - before} sessions`, { timeoutMs: 60_000, everyMs: 10 }, async () =>
        (await this.producer.count()) >= at ? true : undefined,
      );
      await this.#break(fault);
    }
    const failures = await this.#failuresOf(added);
    this.network.returnAfter(() => 0);
    const tookMs = performance.now() - startedMs;
    // Frees the slots for the next run.
    const { body } = await this.installation.call<{ success: boolean }>('POST', '/v1/sessions/release');
    if (!body.success) throw new Error('the sessions of the run could not be released');
    return {
      asked,
      made: (await this.producer.sessionIds()).slice(before),
      failures,
      tookMs,
    };
  }

  /* Waits until every job has ended, and answers why jobs failed. It asks for one job after the other. */
  async #failuresOf(jobs: readonly Job[]): Promise<string[]> {
    const ended: Job[] = [];
    return pollUntil('every job to end', { timeoutMs: 120_000, everyMs: 100 }, async () => {
      for (const { id } of jobs.slice(ended.length)) {
        const job = await this.producer.queue.getJob(id ?? '');
        if (job?.finishedOn === undefined) return undefined;
        ended.push(job);
      }
      // A job that succeeded has none.
      return ended.map(({ failedReason }) => failedReason).filter(Boolean);
    });
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await this.producer.close();
    await this.installation.stop();
    await this.network.stop();
    await this.redis.stop();
  }

  async #break(fault: Fault): Promise<void> {
    if (fault === 'connections') {
      this.network.cut();
      return;
    }
    if (fault === 'redis') {
      await this.redis.kill('SIGKILL');
      return this.redis.restart();
    }
    const old = await this.installation.signal(fault, 'SIGKILL');
    await this.installation.replaced(fault, old, 30_000);
  }
}

/** A number of faults that follow from a seed. */
export function faultsOf(seed: number, count: number): Fault[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () =>
    random.pick([
      [2, 'connections'],
      [2, 'api'],
      [1, 'redis'],
      [1, 'worker'],
    ] as const),
  );
}
