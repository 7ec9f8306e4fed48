import { createHash } from 'node:crypto';
import type { Job } from 'bullmq';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { printable } from '../core/printable';

/**
 * How long ended jobs stay readable, whatever their producer has asked for: an hour, and 10 000 completed and failed
 * each.
 */
const KEEP = { age: 3_600, count: 10_000 } as const;

/** Progress is written at most this often. */
const PROGRESS_EVERY_MS = 250;

/** What a handler sees of a job of another service. */
export interface IngressJob {
  readonly id: string;
  readonly name: string;
  /** Any JSON that its producer has written. */
  readonly data: unknown;
  /** When it was added, by the clock of its producer, epoch milliseconds. */
  readonly addedAtMs: number;
  /** Aborted when this process no longer has the job: another process has it, or this one shuts down. */
  readonly signal: AbortSignal;
  /** Reports progress to the producer: soon, in order, and only the latest if there are several. Never throws. */
  report(progress: Readonly<Record<string, unknown>>): void;
  /** Drops the payload when it is too large to keep. */
  dropData(): Promise<void>;
}

/**
 * Identifies a job, also when it is taken up again: its id and when it was added, because an id can be used again once
 * its job is forgotten. A digest, since producers choose ids freely and Holdfast's ids have a narrow alphabet.
 */
export function jobKey({ id, addedAtMs }: Pick<IngressJob, 'id' | 'addedAtMs'>): string {
  return createHash('sha256').update(`${id}\n${addedAtMs}`).digest('hex').slice(0, 32);
}

/** {@link jobKey} of a job as BullMQ has read it. */
export function keyOfJob(job: Job): string {
  return jobKey({ id: job.id ?? '', addedAtMs: addedAtMs(job) });
}

/**
 * Overrules the options of a job that was just fetched, and the past that its producer claims: how often it is tried,
 * how long it is kept, that it has failed already. BullMQ reads them at the end of the job, from this object and not
 * from Redis. Stack traces are removed, because producers must not see them.
 */
export function overrideOptions(job: Job): void {
  job.opts = { attempts: 1, removeOnComplete: KEEP, removeOnFail: KEEP, stackTraceLimit: 0 };
  job.deferredFailure = '';
}

/** A job of another service, as BullMQ has read it, for as long as this process works on it. */
export class HeldJob implements IngressJob {
  #pending: Readonly<Record<string, unknown>> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(
    private readonly job: Job<unknown>,
    readonly signal: AbortSignal,
    private readonly log: Logger,
  ) {}

  get id(): string {
    return this.job.id ?? '';
  }

  get name(): string {
    return nameOf(this.job);
  }

  get data(): unknown {
    return this.job.data;
  }

  get addedAtMs(): number {
    return addedAtMs(this.job);
  }

  report(progress: Readonly<Record<string, unknown>>): void {
    if (this.signal.aborted) return;
    this.#pending = progress;
    if (this.#timer !== undefined) return;
    this.#write();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#write();
    }, PROGRESS_EVERY_MS);
  }

  async dropData(): Promise<void> {
    await this.job.updateData({});
  }

  /** Writes the last progress before the job ends, or drops it if another process has the job. */
  async settle(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.signal.aborted) this.#write();
    this.#pending = null;
    await this.#written;
  }

  /* Failures are ignored: a producer that misses progress still gets the result. */
  #write(): void {
    const progress = this.#pending;
    if (progress === null) return;
    this.#pending = null;
    this.#written = this.job.updateProgress(progress).catch((error: unknown) => {
      const reason = messageOf(error);
      this.log.info({ jobId: printable(this.id, 100), reason }, 'the progress of a job could not be written');
    });
  }
}

/** The name of a job; a job written without BullMQ may have none, although BullMQ's types say otherwise. */
export function nameOf(job: Job): string {
  const { name }: { readonly name?: string } = job;
  return name ?? '';
}

/* A producer may have written anything there. */
const addedAtMs = (job: Job): number => (Number.isFinite(job.timestamp) ? job.timestamp : 0);
