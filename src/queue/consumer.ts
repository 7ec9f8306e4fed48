import type { DeliveryOutcome } from '../core/delivery-outcome';
import { DelayedError, WaitingError, Worker, type Job } from 'bullmq';
import type { z } from 'zod';
import { NewerMachineVersionError } from '../../machines/session/session.versions';
import { backoffMs, settlesWithin } from '../core/abort';
import type { Clock } from '../core/clock';
import type { BadJob, QuarantineReason } from '../core/quarantine';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { blockingOptions, openRedis, type Redis } from '../redis/connection';
import { PAYLOAD_MAX_BYTES } from './payloads';
import type { INGRESS_QUEUE, OwnQueue } from '../../machines/session/session.words';
import { QUEUE_PREFIX } from './queues';

/** What to do with a job after its handler. If the handler throws, the job is retried with back-off, a few times. */
export type JobResult =
  /** `value` is the result for a job that waits for this one. */
  | { readonly done: true; readonly value?: unknown }
  /** Deliver again in `inMs`; costs no attempt. */
  | { readonly againInMs: number }
  /** Give the job to another process now; costs no attempt. */
  | { readonly handBack: true };

/** The job is dealt with. */
export const DONE: JobResult = { done: true };

/**
 * How long BullMQ's worker waits in Redis at most: `drainDelay`, or until the next delayed job, but never longer than
 * its own `maximumBlockTimeout` of 10 s. On `launch` and `sessions` only what failed, or is left to a newer version, is
 * ever delayed.
 */
const LONGEST_BLOCK_MS: Readonly<Record<OwnQueue, number>> = {
  launch: 4_000,
  sessions: 4_000,
  timers: 10_000,
  accepted: 4_000,
};

/** How long a job is locked for its process, and how often to look for jobs that have lost theirs. */
const TAKEOVER: Readonly<
  Record<OwnQueue, { readonly lockDuration: number; readonly stalledInterval: number }>
> = {
  launch: { lockDuration: 10_000, stalledInterval: 5_000 },
  sessions: { lockDuration: 10_000, stalledInterval: 5_000 },
  timers: { lockDuration: 10_000, stalledInterval: 5_000 },
  // A client waits for the job: it is taken over after ten seconds at most, which are a lock and two checks.
  accepted: { lockDuration: 6_000, stalledInterval: 2_000 },
};

/** Commands and timers take milliseconds; a BullMQ worker that is not closed by then never closes. */
const CLOSE_TIMEOUT_MS = 3_000;

/** How soon a job that only a newer version can handle is delivered again, growing with every time. */
const LEFT_FIRST_MS = 100;
const LEFT_CAP_MS = 5_000;

/** How often a job is left to a newer version, some hours in all, before it is given up like any failed job. */
const LEFT_MAX = 5_000;

/** Dependencies of {@link Consumer}. */
export interface ConsumerOptions<S extends z.ZodType> extends ConsumerBase {
  readonly queue: OwnQueue;
  readonly schema: S;
  readonly concurrency: number;
  readonly handle: (payload: z.output<S>, delivery: Delivery) => Promise<JobResult>;
}

/** What all consumers of a process share. */
export interface ConsumerBase {
  readonly redisUrl: string;
  /** Keeps a job that is given up, for operators to inspect; its queue has no more of it then. */
  readonly quarantine: (job: BadJob) => Promise<void>;
  /** Gets the outcome of each delivery, and the jobs that were found without the process that had taken them. */
  readonly report: JobReport;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a handler needs to know of the delivery it works on. */
export interface Delivery {
  /** Aborted when this process no longer has the job. */
  readonly signal: AbortSignal;
  /** How often the job has lost the process that had it. */
  readonly stalls: number;
}

/** What consumers report about their jobs. */
export interface JobReport {
  jobHandled(
    queue: OwnQueue | typeof INGRESS_QUEUE,
    name: string,
    outcome: DeliveryOutcome,
    durationMs: number,
  ): void;
  jobStalled(queue: OwnQueue | typeof INGRESS_QUEUE, jobId: string): void;
}

/**
 * Takes jobs off one of Holdfast's own queues. Each job in the queue ends: handled, re-delivered on purpose, left to a
 * newer version, or quarantined (I18). Jobs that BullMQ itself cannot parse are left to the sweep.
 */
export class Consumer<S extends z.ZodType> {
  /** BullMQ duplicates it for its blocking reads. */
  readonly #connection: Redis;
  readonly #worker: Worker<unknown, unknown>;

  constructor(private readonly options: ConsumerOptions<S>) {
    const { queue, redisUrl, concurrency, log } = options;
    this.#connection = openRedis(blockingOptions(redisUrl, LONGEST_BLOCK_MS[queue]), log);
    this.#worker = new Worker<unknown, unknown>(
      queue,
      (job, token, signal) => this.#measured(job, token, signal),
      {
        connection: this.#connection,
        prefix: QUEUE_PREFIX[queue],
        concurrency,
        autorun: false,
        ...TAKEOVER[queue],
        // A stalled job is delivered again, however often: the row decides whether it is still valid.
        maxStalledCount: 1_000,
        // A frozen worker that is first in line takes the wake-up; the next one polls by itself after a second.
        drainDelay: 1,
        runRetryDelay: 500,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      },
    );
    this.#worker.on('stalled', jobId => this.options.report.jobStalled(queue, jobId));
    this.#worker.on('error', error => log.debug({ err: error, queue }, 'queue worker failed'));
    // A lost lock does not stop the handler by itself.
    this.#worker.on('lockRenewalFailed', ids => ids.forEach(id => this.#worker.cancelJob(id, 'lock lost')));
    this.#worker.on('failed', (job, error) => {
      if (job === undefined || job.attemptsMade < (job.opts.attempts ?? 1)) return;
      void this.#quarantine(job, 'failed', error.message);
    });
  }

  /** Starts taking jobs; resolves when both connections are up. */
  async start(): Promise<void> {
    void this.#worker.run();
    await this.#worker.waitUntilReady();
  }

  /** Takes at most `n` jobs at a time from now on; 0 takes none and leaves running ones alone. */
  async setCapacity(n: number): Promise<void> {
    if (n === 0) {
      if (!this.#worker.isPaused()) await this.#worker.pause(true);
      return;
    }
    this.#worker.concurrency = n;
    if (this.#worker.isPaused()) await this.#worker.resume();
  }

  /**
   * Stops taking jobs. Waits for running ones unless `force`, but never for long: BullMQ's own close waits without
   * limit when Redis goes away in the middle of it. A job that is still running then ends with the process.
   */
  async close(force = false): Promise<void> {
    const closed = await settlesWithin(this.#worker.close(force), CLOSE_TIMEOUT_MS);
    this.#connection.disconnect();
    if (!closed) this.options.log.warn({ queue: this.options.queue }, 'a queue worker did not close in time');
  }

  async #measured(
    job: Job<unknown>,
    token: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const { queue, clock, report } = this.options;
    const takenMs = clock.monotonicMs();
    let outcome: DeliveryOutcome = 'failed';
    try {
      const value = await this.#process(job, token, signal);
      outcome = 'done';
      return value;
    } catch (error) {
      if (error instanceof DelayedError) outcome = 'again';
      else if (error instanceof WaitingError) outcome = 'handed_back';
      throw error;
    } finally {
      report.jobHandled(queue, job.name, outcome, clock.monotonicMs() - takenMs);
    }
  }

  async #process(
    job: Job<unknown>,
    token: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const payload = await this.#parse(job);
    if (payload === undefined) return undefined;
    const result = await this.#handled(job, payload, signal);
    if ('againInMs' in result) {
      await job.moveToDelayed(this.options.clock.nowMs() + Math.max(1, result.againInMs), token);
      throw new DelayedError();
    }
    if ('handBack' in result) {
      await job.moveToWait(token);
      throw new WaitingError();
    }
    return result.value;
  }

  /*
   * Two versions take from one queue while they run side by side: jobs for the newer one are re-delivered until it gets
   * them.
   */
  async #handled(
    job: Job<unknown>,
    payload: z.output<S>,
    signal: AbortSignal | undefined,
  ): Promise<JobResult> {
    try {
      return await this.options.handle(payload, {
        signal: signal ?? new AbortController().signal,
        stalls: job.stalledCounter,
      });
    } catch (error) {
      if (!(error instanceof NewerMachineVersionError) || job.attemptsStarted > LEFT_MAX) throw error;
      const { log, queue } = this.options;
      if (job.attemptsStarted === 1)
        log.info(
          { queue, jobId: job.id, reason: error.message },
          'a job needs a newer version of the service; it is retried later',
        );
      return { againInMs: backoffMs(job.attemptsStarted, LEFT_FIRST_MS, LEFT_CAP_MS) };
    }
  }

  async #parse(job: Job<unknown>): Promise<z.output<S> | undefined> {
    const json = jsonOf(job.data);
    const size = Buffer.byteLength(json ?? '');
    if (json === null || size > PAYLOAD_MAX_BYTES) {
      await this.#quarantine(job, 'oversized', json === null ? 'nested too deeply' : `${size} bytes`);
      return undefined;
    }
    const parsed = this.options.schema.safeParse(job.data);
    if (parsed.success) return parsed.data;
    await this.#quarantine(job, 'malformed', parsed.error.message);
    return undefined;
  }

  async #quarantine(job: Job<unknown>, reason: QuarantineReason, detail: string): Promise<void> {
    const { queue, quarantine, log } = this.options;
    try {
      const { id: jobId = '', name } = job;
      await quarantine({ queue, jobId, name, reason, detail, data: jsonOf(job.data) ?? '' });
    } catch (error) {
      log.error({ queue, reason, err: messageOf(error) }, 'a bad job could not be put into quarantine');
    }
  }
}

/* Null: it is nested so deeply that it can be parsed but not written. */
function jsonOf(data: unknown): string | null {
  try {
    return JSON.stringify(data) ?? '';
  } catch {
    return null;
  }
}
