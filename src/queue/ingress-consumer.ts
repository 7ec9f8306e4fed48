import { Job, Worker } from 'bullmq';
import { pause, settlesWithin } from '../core/abort';
import type { Clock } from '../core/clock';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { printable } from '../core/printable';
import { blockingOptions, type Redis } from '../redis/connection';
import { isRedisAway } from '../redis/errors';
import { INGRESS_PREFIX } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';
import { HeldJob, type IngressJob } from './held-job';
import type { AcceptJob, FinishJob, IngressReport } from './ingress-handler';
import { INGRESS_QUEUE, IngressKeys } from './ingress-keys';

/** What the consumer needs. */
export interface IngressConsumerOptions {
  readonly redisUrl: string;
  /** The process' connection for commands. */
  readonly redis: Redis;
  readonly scripts: ScriptRunner;
  readonly accept: AcceptJob;
  /** Called for a job that was taken up too often: whatever it does, it ends us. */
  readonly onEndless: (job: IngressJob, taken: number) => Promise<void>;
  /** Called when the end of a job stands in Redis: nobody will have to go on with it. Never throws. */
  readonly onEnded: (job: IngressJob) => Promise<void>;
  /** Told how each delivery went, and which jobs were found without the process that had taken them. */
  readonly report: IngressReport;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How many jobs are under way at most. Jobs that {@link HURRIES} names are taken beyond it: they make room. */
export const UNDER_WAY_MAX = 300;

const HURRIES: ReadonlySet<string> = new Set(['session.release', 'session.extend']);

/** Locks are renewed every 3 s, so that a process may be stuck for seven before its jobs are given to others. */
const LOCK_MS = 10_000;
const RENEW_EVERY_MS = 3_000;

/** The lock of a job that is not accepted yet is short: its turn comes back soon, and all behind it have to wait. */
const FETCH_LOCK_MS = 2_000;

/** How often jobs are looked for that have lost their consumer. */
const CLAIM_EVERY_MS = 2_000;

/** A job that was in the hands of so many that died of it, or about then, is not tried again. */
const TAKEN_MAX = 100;

const LONGEST_BLOCK_MS = 10_000;
const FULL_PAUSE_MS = 50;
const AWAY_PAUSE_MS = 250;
/** Longer than the wait of a fetch; what is still there then is taken over by others. */
const CLOSE_TIMEOUT_MS = 1_200;

/**
 * Takes jobs of other services, one after the other: the next is fetched when the one before is accepted, so that
 * sessions are created in the order in which they were asked for, whoever dies in between. What comes after that
 * runs side by side. A job is never tried again by BullMQ; one whose process died is taken over with its place.
 */
export class IngressConsumer {
  readonly #worker: Worker<unknown>;
  readonly #held = new Map<string, HeldJob>();
  readonly #closing = new AbortController();
  readonly #keys: IngressKeys;
  readonly #timers: NodeJS.Timeout[] = [];
  #tokens = 0;
  /** Something may have been fetched of which we do not know. */
  #interrupted = true;
  #loop: Promise<void> = Promise.resolve();
  #claiming: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: IngressConsumerOptions) {
    const { redisUrl, redis, scripts, log } = options;
    this.#keys = new IngressKeys(redis, scripts);
    // No processor: jobs are fetched by hand, and nothing of BullMQ's own looks for stalled ones.
    this.#worker = new Worker<unknown>(INGRESS_QUEUE, undefined, {
      connection: blockingOptions(redisUrl, LONGEST_BLOCK_MS),
      prefix: INGRESS_PREFIX,
      autorun: false,
      lockDuration: FETCH_LOCK_MS,
      drainDelay: 1,
    });
    this.#worker.on('error', error => log.debug({ err: error, queue: INGRESS_QUEUE }, 'queue worker failed'));
    this.#worker.on('ioredis:close', () => void (this.#interrupted = true));
  }

  /** How many jobs are under way. */
  get underWay(): number {
    return this.#held.size;
  }

  /** Starts taking jobs; resolves when both connections are up. */
  async start(): Promise<void> {
    await this.#worker.waitUntilReady();
    this.#loop = this.#run();
    this.#every(CLAIM_EVERY_MS, () => this.#claim(null));
    this.#every(RENEW_EVERY_MS, () => this.#renew());
  }

  /** Stops taking jobs, and puts back those that are under way, in their order: others go on with them. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers) clearInterval(timer);
    // Wakes the fetch that is waiting, so that it does not take what is put back now.
    const woken = this.#keys.wake().catch(() => undefined);
    await settlesWithin(
      woken.then(() => this.#loop),
      CLOSE_TIMEOUT_MS,
    );
    // The last one put back is the first one taken.
    const held = [...this.#held.values()].reverse();
    await settlesWithin(Promise.all(held.map(job => job.handBack())), CLOSE_TIMEOUT_MS);
    await settlesWithin(this.#worker.close(true), CLOSE_TIMEOUT_MS);
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await this.#turn();
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.options.log.debug({ reason: messageOf(error) }, 'fetching a job failed');
        // A job that BullMQ cannot read is no reason to wait: the sweep takes it away, the next one is fine.
        const isAway = isRedisAway(error);
        // The fetch broke off before it has set the sign again that jobs are waiting.
        if (!isAway) void this.#keys.wake().catch(() => undefined);
        await pause(isAway ? AWAY_PAUSE_MS : 1, this.#closing.signal);
      }
    }
  }

  async #turn(): Promise<void> {
    if (this.#interrupted) await this.#recover(null);
    if (!(await this.#hasRoom())) {
      await pause(FULL_PAUSE_MS, this.#closing.signal);
      return;
    }
    const token = this.#newToken();
    // SAFETY: BullMQ leaves the type of a job's data to whoever reads it.
    const job = (await this.#worker.getNextJob(token)) as Job<unknown> | undefined;
    if (job === undefined) return;
    const held = new HeldJob(job, token, this.options.log);
    if (this.#closing.signal.aborted) {
      await held.handBack();
      return;
    }
    if (this.#interrupted) {
      // It was not the first one, perhaps. It can wait, now that nobody takes it for one that was left behind.
      await held.hold(LOCK_MS);
      await this.#recover(held.id);
    }
    await this.#take(held, 1);
  }

  async #hasRoom(): Promise<boolean> {
    if (this.#held.size < UNDER_WAY_MAX) return true;
    return HURRIES.has((await this.#keys.nextName()) ?? '');
  }

  /* Takes over what was fetched and not accepted before anything else is fetched: those are the first in the order. */
  async #recover(exceptId: string | null): Promise<void> {
    this.#interrupted = false;
    try {
      const waitMs = await this.#claim(exceptId);
      if (waitMs === 0) return;
      await pause(waitMs + 1, this.#closing.signal);
      await this.#claim(exceptId);
    } catch (error) {
      this.#interrupted = true;
      throw error;
    }
  }

  /* One at a time, so that the order is kept. Answers how long to wait for jobs that are fetched and not accepted, ms. */
  async #claim(exceptId: string | null): Promise<number> {
    const claiming = this.#claiming.then(() => this.#claimAll(exceptId));
    // Whoever asked hears of a failure; the next in line begins afresh.
    this.#claiming = claiming.catch(() => undefined);
    return claiming;
  }

  async #claimAll(exceptId: string | null): Promise<number> {
    const token = this.#newToken();
    const { waitMs, jobs } = await this.#keys.claim(token, LOCK_MS, FETCH_LOCK_MS);
    for (const { id, taken } of jobs) {
      const held = this.#held.get(id);
      // Our own lock had lapsed while we were stuck, and nobody else was quicker.
      if (held !== undefined) held.retake(token);
      else if (id !== exceptId && !this.#closing.signal.aborted) await this.#takeOver(id, token, taken);
    }
    return waitMs;
  }

  async #takeOver(id: string, token: string, taken: number): Promise<void> {
    let job: Job<unknown> | undefined;
    try {
      job = await Job.fromId<unknown>(this.#worker, id);
    } catch (error) {
      if (isRedisAway(error)) throw error;
      // Its data is no JSON: the sweep takes it away.
      return;
    }
    if (job === undefined) return;
    this.options.report.jobStalled(INGRESS_QUEUE, printable(id, 100));
    await this.#take(new HeldJob(job, token, this.options.log), taken + 1);
  }

  async #take(job: HeldJob, taken: number): Promise<void> {
    this.#held.set(job.id, job);
    const finish = await this.#accept(job, taken);
    void this.#finish(job, finish).finally(() => {
      if (this.#held.get(job.id) === job) this.#held.delete(job.id);
    });
  }

  /* An order is kept also while Redis is away: nobody behind is accepted before. */
  async #accept(job: HeldJob, taken: number): Promise<FinishJob> {
    for (;;) {
      try {
        const refusal = await this.#refusal(job, taken);
        if (refusal !== null) return () => Promise.resolve({ failure: refusal });
        return await this.options.accept(job);
      } catch (error) {
        if (job.signal.aborted || this.#closing.signal.aborted) return () => Promise.reject(asError(error));
        await pause(AWAY_PAUSE_MS, this.#closing.signal);
      }
    }
  }

  async #refusal(job: HeldJob, taken: number): Promise<string | null> {
    if (job.isOfAFlow) {
      await this.#keys.disown(job.id);
      return 'invalid_request: jobs that belong to a flow are not taken';
    }
    if (taken > TAKEN_MAX) {
      await this.options.onEndless(job, taken);
      return `endless: the job was taken up ${taken} times`;
    }
    return null;
  }

  async #finish(job: HeldJob, finish: FinishJob): Promise<void> {
    const { clock, log, report } = this.options;
    const takenMs = clock.monotonicMs();
    let outcome: 'done' | 'failed' | 'handed_back' = 'handed_back';
    try {
      if (job.isOurs) await job.hold(LOCK_MS);
      const end = await finish();
      outcome = 'failure' in end ? 'failed' : 'done';
      const stands = await ('failure' in end ? job.fail(end.failure) : job.complete(end.result));
      if (stands) await this.options.onEnded(job);
    } catch (error) {
      // Its lock lapses, and then it is taken up again from where it is.
      log.info({ jobId: printable(job.id, 100), reason: messageOf(error) }, 'a job was let go');
      job.letGo(messageOf(error));
    } finally {
      report.jobHandled(INGRESS_QUEUE, job.name, outcome, clock.monotonicMs() - takenMs);
    }
  }

  async #renew(): Promise<void> {
    const held = [...this.#held.values()].filter(job => job.isOurs);
    if (held.length === 0) return;
    const lost = await this.#worker.extendJobLocks(
      held.map(job => job.id),
      held.map(job => job.token),
      LOCK_MS,
    );
    for (const id of lost) {
      const job = this.#held.get(id);
      if (job !== undefined && (await this.#keys.isLost(id, job.token))) job.letGo('another process has it');
    }
  }

  #newToken(): string {
    this.#tokens += 1;
    return `${this.#worker.id}:${this.#tokens}`;
  }

  #every(ms: number, work: () => Promise<unknown>): void {
    let isRunning = false;
    const timer = setInterval(() => {
      if (isRunning) return;
      isRunning = true;
      work()
        .catch((error: unknown) => this.options.log.debug({ err: error }, 'looking after jobs failed'))
        .finally(() => void (isRunning = false));
    }, ms);
    this.#timers.push(timer);
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
