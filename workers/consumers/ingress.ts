import type { DeliveryOutcome } from '../../src/core/delivery-outcome';
import { setImmediate } from 'node:timers/promises';
import { UnrecoverableError, WaitingChildrenError, WaitingError, Worker, type Job } from 'bullmq';
import { pause, settlesWithin } from '../../src/core/abort';
import type { Clock } from '../../src/core/clock';
import { ServiceError, messageOf } from '../../src/core/errors';
import type { Logger } from '../../src/core/logger';
import { printable } from '../../src/core/printable';
import type { Redis } from '../../src/redis/connection';
import { isRedisAway } from '../../src/redis/errors';
import { untilRedisServes } from '../../src/redis/until-redis-serves';
import { INGRESS_PREFIX } from '../../src/redis/keys';
import type { AcceptedJobs } from '../../src/queue/accepted-jobs';
import type { JobReport } from '../../src/queue/consumer';
import {
  endless,
  TAKEN_MAX,
  type AcceptJob,
  type QuarantineEndless,
  type JobOutcome,
} from '../../src/queue/ingress-handler';
import { HeldJob, nameOf, overrideOptions } from '../../src/queue/ingress-job';
import type { IngressKeys } from '../../src/queue/ingress-keys';
import { INGRESS_CONCURRENCY } from '../../src/queue/queues';
import { INGRESS_QUEUE } from '../../machines/session/session.words';

/** Dependencies of {@link IngressConsumer}. */
export interface IngressConsumerOptions {
  /**
   * A connection for this consumer alone; it is duplicated for the blocking reads of up to {@link INGRESS_BLOCK_MS}.
   */
  readonly connection: Redis;
  readonly keys: IngressKeys;
  /** Uses that connection. */
  readonly jobs: AcceptedJobs;
  readonly accept: AcceptJob;
  /** How many jobs this process works on. */
  readonly underWay: () => number;
  readonly onEndless: QuarantineEndless;
  /** Called when the end of a job is stored in Redis, so that no process will continue it. Never throws. */
  readonly onEnded: (job: HeldJob) => Promise<void>;
  /**
   * Removes a job that was fetched but cannot be read; it blocks all jobs after it. `isQueue`: the queue itself may be
   * damaged.
   */
  readonly onUnreadable: (isQueue: boolean) => Promise<void>;
  /** Gets the outcome of each delivery, and the jobs that were found without the process that had taken them. */
  readonly report: JobReport;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * How many jobs this process works on at most. Jobs named in {@link URGENT_JOBS} are taken beyond it, because they make
 * room.
 */
export const UNDER_WAY_MAX = 300;

const URGENT_JOBS: ReadonlySet<string> = new Set(['session.release', 'session.extend']);

/** BullMQ's own limit. */
export const INGRESS_BLOCK_MS = 10_000;

/**
 * Short, because accepting takes milliseconds and blocks all later jobs: if the process dies, the job is back in its
 * place after the rest of its lock and two checks.
 */
const LOCK_MS = 2_000;
const STALLED_CHECK_MS = 500;

const FULL_PAUSE_MS = 50;
const AWAY_PAUSE_MS = 250;
const LOST_CHECK_MS = 5_000;
const CLOSE_TIMEOUT_MS = 3_000;

/** Longest reason, in characters. */
const REASON_MAX = 1_000;

/**
 * Accepts jobs of other services, one after the other in all processes together: the queue allows one active job, so
 * the next is fetched when the one before is accepted, or back in its place because its process died. The work after
 * acceptance runs in parallel, see {@link AcceptedJobs}; each job then comes back here to be ended.
 */
export class IngressConsumer {
  readonly #worker: Worker<unknown, unknown>;
  readonly #closing = new AbortController();
  #lostCheck: NodeJS.Timeout | undefined;
  /** The check for unreadable jobs that has not begun yet, and the one that was begun last. */
  #quarantining: Promise<void> | null = null;
  #quarantined: Promise<void> = Promise.resolve();
  #isQueueDamaged = false;

  constructor(private readonly options: IngressConsumerOptions) {
    const { connection, report, log } = options;
    this.#worker = new Worker<unknown, unknown>(
      INGRESS_QUEUE,
      (job, token, signal) => this.#measured(job, token ?? '', signal ?? new AbortController().signal),
      {
        connection,
        prefix: INGRESS_PREFIX,
        concurrency: 1,
        autorun: false,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        // This consumer itself ends endless jobs, with a reason that has a code.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        // The sweep removes a limit that a producer has put on the queue.
        maximumRateLimitDelay: 1_000,
        drainDelay: 1,
        runRetryDelay: AWAY_PAUSE_MS,
      },
    );
    this.#worker.on('active', overrideOptions);
    this.#worker.on('stalled', id => report.jobStalled(INGRESS_QUEUE, printable(id, 100)));
    this.#worker.on('lockRenewalFailed', ids => ids.forEach(id => this.#worker.cancelJob(id, 'lock lost')));
    this.#worker.on('completed', job => void this.#ended(job));
    this.#worker.on('failed', job => void (job !== undefined && this.#ended(job)));
    this.#worker.on('error', error => {
      log.debug({ err: error, queue: INGRESS_QUEUE }, 'queue worker failed');
      if (!isRedisAway(error)) void this.#quarantine(error.message.includes('WRONGTYPE'));
    });
  }

  /** Starts taking jobs; resolves when both connections are up. */
  async start(): Promise<void> {
    void this.#takeJobs();
    await this.#worker.waitUntilReady();
    this.#lostCheck = setInterval(() => void this.#recoverLost(), LOST_CHECK_MS);
  }

  /** Stops taking jobs. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#lostCheck);
    const closed = await settlesWithin(this.#worker.close(), CLOSE_TIMEOUT_MS);
    if (!closed) this.options.log.warn({ queue: INGRESS_QUEUE }, 'a queue worker did not close in time');
  }

  /* Jobs wait as long as Redis refuses writes; requests that only read are served meanwhile. */
  async #takeJobs(): Promise<void> {
    const { jobs, log } = this.options;
    const limit = async (): Promise<number> => jobs.ingress.setGlobalConcurrency(INGRESS_CONCURRENCY);
    try {
      await untilRedisServes('taking jobs of other services', log, limit, this.#closing.signal);
      await this.#worker.run();
    } catch (error) {
      if (!this.#closing.signal.aborted)
        log.error({ err: error, queue: INGRESS_QUEUE }, 'this process takes no jobs of other services');
    }
  }

  async #measured(job: Job, token: string, signal: AbortSignal): Promise<unknown> {
    const { clock, report } = this.options;
    const takenMs = clock.monotonicMs();
    let outcome: DeliveryOutcome = 'failed';
    try {
      const result = await this.#visit(job, token, signal);
      outcome = 'done';
      return result;
    } catch (error) {
      if (error instanceof WaitingChildrenError) outcome = 'again';
      else if (error instanceof WaitingError) outcome = 'handed_back';
      throw error;
    } finally {
      report.jobHandled(INGRESS_QUEUE, nameOf(job), outcome, clock.monotonicMs() - takenMs);
      this.#stopWhileFull();
    }
  }

  /* A job comes here at least twice: to be accepted, and to be ended. */
  async #visit(job: Job, token: string, signal: AbortSignal): Promise<unknown> {
    if (isUnreadable(job)) {
      await this.#quarantine(true);
      if (!(await job.isActive())) throw new WaitingError();
    }
    const isOver = AbortSignal.any([signal, this.#closing.signal]);
    for (;;) {
      try {
        const outcome = await this.#outcome(job, token, signal);
        if (outcome === null) throw new WaitingChildrenError();
        if ('failure' in outcome) throw new UnrecoverableError(outcome.failure.slice(0, REASON_MAX));
        return outcome.result;
      } catch (error) {
        if (!isTemporary(error)) throw codedOf(error);
        const reason = messageOf(error);
        const jobId = printable(job.id ?? '', 100);
        this.options.log.info({ jobId, reason }, 'a job could not be accepted yet; it will be tried again');
        // Keeps the order also while Redis is away: no later job is accepted first.
        if (!isOver.aborted) await pause(AWAY_PAUSE_MS, isOver);
        if (isOver.aborted) throw await this.#returnToQueue(job, token);
      }
    }
  }

  /** The outcome of a job; null: its child works on it, and it comes back later. */
  async #outcome(job: Job, token: string, signal: AbortSignal): Promise<JobOutcome | null> {
    const { jobs, keys, accept, onEndless } = this.options;
    const ended = await jobs.outcomeOf(job);
    if (ended !== null) return ended;
    if (job.parentKey !== undefined || job.parent !== undefined) {
      await keys.removeParent(job);
      return { failure: 'invalid_request: jobs that belong to a flow are not supported' };
    }
    const held = new HeldJob(job, signal, this.options.log);
    if (job.stalledCounter > TAKEN_MAX) {
      await onEndless(held, job.stalledCounter);
      return endless(job.stalledCounter);
    }
    const accepted = await accept(held);
    if ('failure' in accepted) return accepted;
    await keys.clearPriority(job);
    return (await jobs.waitForChild(job, accepted.ref, token)) ? null : jobs.outcomeOf(job);
  }

  /* Back to its place at once, or when its lock has lapsed. */
  async #returnToQueue(job: Job, token: string): Promise<WaitingError> {
    const moved = job.moveToWait(token).catch(() => undefined);
    await settlesWithin(moved, AWAY_PAUSE_MS);
    return new WaitingError();
  }

  async #ended(job: Job): Promise<void> {
    // If a crash leaves it behind, it is removed with the job.
    await this.options.keys.removeChildResults(job).catch(() => undefined);
    await this.options.onEnded(new HeldJob(job, this.#closing.signal, this.options.log));
  }

  /*
   * Checks run one after the other, because a check that began before a job was fetched does not cover it; callers
   * during a check share the next one.
   */
  async #quarantine(isQueue: boolean): Promise<void> {
    this.#isQueueDamaged ||= isQueue;
    this.#quarantining ??= this.#quarantined.then(async () => {
      await setImmediate();
      const isDamaged = this.#isQueueDamaged;
      this.#isQueueDamaged = false;
      this.#quarantining = null;
      await this.options.onUnreadable(isDamaged);
    });
    this.#quarantined = this.#quarantining.catch((error: unknown) => {
      this.options.log.debug({ err: error }, 'a bad job could not be put into quarantine');
    });
    await this.#quarantined;
  }

  async #recoverLost(): Promise<void> {
    try {
      const count = await this.options.jobs.recoverLost();
      if (count > 0) this.options.log.warn({ count }, 'jobs without a child job were continued');
    } catch (error) {
      this.options.log.debug({ err: error }, 'looking for lost jobs failed');
    }
  }

  get #hasRoom(): boolean {
    return this.options.underWay() < UNDER_WAY_MAX;
  }

  /* Called before the current job is ended, this keeps BullMQ's worker from fetching the next one. */
  #stopWhileFull(): void {
    if (this.#hasRoom || this.#closing.signal.aborted || this.#worker.isPaused()) return;
    void this.#worker.pause(true);
    void this.#resumeWhenWanted();
  }

  async #resumeWhenWanted(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted && !this.#hasRoom && !(await this.#isNextUrgent())) {
      await pause(FULL_PAUSE_MS, signal);
    }
    if (!signal.aborted) await this.#worker.resume();
  }

  /* Jobs that are back to be ended, and unreadable ones, also count as urgent. */
  async #isNextUrgent(): Promise<boolean> {
    try {
      const [next] = await this.options.jobs.ingress.getJobs(['wait', 'prioritized'], 0, 0, true);
      return next !== undefined && (URGENT_JOBS.has(nameOf(next)) || next.attemptsStarted > 0);
    } catch (error) {
      return !isRedisAway(error);
    }
  }
}

/*
 * A job whose data is missing: BullMQ has read only what the fetch itself has written, perhaps over a key of the queue.
 */
const isUnreadable = (job: Job): boolean => nameOf(job) === '' && !Number.isFinite(job.timestamp);

const isTemporary = (error: unknown): boolean => isRedisAway(error) || error instanceof ServiceError;

/* All other errors are about this one job: another process has it, or another writer has changed its keys. */
function codedOf(error: unknown): unknown {
  const isOutcome = error instanceof WaitingChildrenError || error instanceof UnrecoverableError;
  if (isOutcome) return error;
  return new UnrecoverableError(`internal_error: ${messageOf(error)}`.slice(0, REASON_MAX));
}
