import { UnrecoverableError, type Job } from 'bullmq';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { printable } from '../core/printable';

/** How long what has ended stays readable, whatever its producer has asked for: an hour, and 10 000 of a kind. */
const KEEP = { age: 3_600, count: 10_000 } as const;

/** Progress is written at most this often. */
const PROGRESS_EVERY_MS = 250;

/** Longest reason, in characters. */
const REASON_MAX = 1_000;

/** What a handler sees of a job. */
export interface IngressJob {
  readonly id: string;
  readonly name: string;
  /** Whatever JSON its producer has written. */
  readonly data: unknown;
  /** When it was added, by the clock of its producer, epoch milliseconds. */
  readonly addedAtMs: number;
  /** Aborted when the job is not ours any more: another process has it, or this one shuts down. */
  readonly signal: AbortSignal;
  /** Tells the producer how far it is; soon, in order, the last word wins. Never throws. */
  report(progress: Readonly<Record<string, unknown>>): void;
  /** Forgets what the producer has written, when it is too much to keep. */
  dropData(): Promise<void>;
}

/**
 * A job of another service in our hands, under a lock. What its producer has put into its options is overruled here:
 * how often it is tried, how long it is kept, whose child it is.
 */
export class HeldJob implements IngressJob {
  readonly #abort = new AbortController();
  readonly #log: Logger;
  #token: string;
  #isOurs = true;
  #pending: Readonly<Record<string, unknown>> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly job: Job<unknown>,
    token: string,
    log: Logger,
  ) {
    this.#token = token;
    this.#log = log;
    // Read by BullMQ at the end of the job, from here and not from Redis. Stack traces of ours are nobody's business.
    job.opts = { attempts: 1, removeOnComplete: KEEP, removeOnFail: KEEP, stackTraceLimit: 0 };
  }

  get id(): string {
    return this.job.id ?? '';
  }

  get name(): string {
    // What was written without BullMQ may have none, whatever its types say.
    const { name }: { readonly name?: string } = this.job;
    return name ?? '';
  }

  get data(): unknown {
    return this.job.data;
  }

  get addedAtMs(): number {
    // Whatever its producer has written there.
    return Number.isFinite(this.job.timestamp) ? this.job.timestamp : 0;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The value of its lock. */
  get token(): string {
    return this.#token;
  }

  /** Whether the job is still ours to end. */
  get isOurs(): boolean {
    return this.#isOurs;
  }

  /** Whether its producer has made it part of a flow: ending it would write into keys of the producer's choice. */
  get isOfAFlow(): boolean {
    return this.job.parentKey !== undefined || this.job.parent !== undefined;
  }

  report(progress: Readonly<Record<string, unknown>>): void {
    if (!this.#isOurs) return;
    this.#pending = progress;
    if (this.#timer !== undefined) return;
    this.#flush();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, PROGRESS_EVERY_MS);
  }

  /** The lock lapsed and is ours again, under another value. */
  retake(token: string): void {
    this.#token = token;
  }

  /** Has the lock hold for `ms` from now on. */
  async hold(ms: number): Promise<void> {
    await this.job.extendLock(this.#token, ms);
  }

  async dropData(): Promise<void> {
    await this.job.updateData({});
  }

  /** Ends the job with its result; false: somebody else has the last word. */
  async complete(result: unknown): Promise<boolean> {
    return this.#end(() => this.job.moveToCompleted(result, this.#token, false));
  }

  /** Ends the job like {@link complete}; the reason begins with a stable code. */
  async fail(reason: string): Promise<boolean> {
    const error = new UnrecoverableError(reason.slice(0, REASON_MAX));
    return this.#end(() => this.job.moveToFailed(error, this.#token, false));
  }

  /** Puts it back to where it is taken from next. */
  async handBack(): Promise<void> {
    this.letGo('handed back');
    await this.#quietly('handed back', () => this.job.moveToWait(this.#token));
  }

  /** Has nothing to do with it any more: somebody else has it, or will. */
  letGo(why: string): void {
    this.#isOurs = false;
    this.#settle();
    this.#abort.abort(new Error(`the job was let go: ${why}`));
  }

  async #end(end: () => Promise<unknown>): Promise<boolean> {
    if (!this.#isOurs) return false;
    this.#isOurs = false;
    // In order on one connection: the last word on progress comes before the end.
    this.#flush();
    this.#settle();
    return this.#quietly('ended', end);
  }

  #flush(): void {
    const progress = this.#pending;
    if (progress === null) return;
    this.#pending = null;
    void this.#quietly('told about', () => this.job.updateProgress(progress));
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending = null;
  }

  /* Removed by force or taken over meanwhile: whoever did that has the last word. */
  async #quietly(what: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#log.info(
        { jobId: printable(this.id, 100), reason: messageOf(error) },
        `a job could not be ${what}`,
      );
      return false;
    }
  }
}
