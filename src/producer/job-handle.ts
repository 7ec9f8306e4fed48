import type { Queue } from 'bullmq';
import { JobError } from './errors';
import { unavailable, type JobEnd, type JobEvents } from './job-events';
import type { Progress } from './jobs';

/** How to wait for a result. */
export interface ResultOptions {
  /** Default: for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The outcome of `cancel()`. */
export type CancelOutcome =
  /** The job had not been started: there never was a session. */
  | 'removed'
  /** Its session existed already and is released. */
  | 'released'
  /** The job had ended; its result says what became of its session. Or it is an extension or a release in progress. */
  | 'too_late';

/** Once started, these jobs are cancelled by releasing their session; all others concern a session of another job. */
const WITH_SESSION: ReadonlySet<string> = new Set(['session.create', 'session.run']);

const ADDED_STATES: ReadonlySet<string> = new Set(['waiting', 'delayed', 'prioritized', 'paused']);

/** What a handle needs to cancel its job. */
export interface CancelParts {
  readonly queue: Queue;
  /** Releases a session through the queue; resolves when that is done. */
  readonly release: (sessionId: string) => Promise<void>;
}

/** A job that was added to the queue. Nothing is polled, and no connection is opened for it unless the caller waits. */
export class JobHandle<Result> {
  #sessionId: string | null;

  constructor(
    readonly jobId: string,
    private readonly events: JobEvents,
    private readonly parts: CancelParts,
    sessionId: string | null,
  ) {
    this.#sessionId = sessionId;
  }

  /** The session of the job, as soon as it is known: given with the job, or received while the caller waits for it. */
  get sessionId(): string | null {
    return this.#sessionId;
  }

  /**
   * The result of the job, also if it ended before the call; ended jobs are kept for an hour.
   *
   * @throws JobError with the code of its failure, `wait_timeout`, `cancelled`, `job_not_found`, `redis_unavailable`,
   *   `closed`; the signal's reason when it is aborted. The job continues in every case; see {@link JobHandle.cancel}.
   */
  async result({ timeoutMs, signal }: ResultOptions = {}): Promise<Result> {
    signal?.throwIfAborted();
    let settle: (end: JobEnd) => void = () => undefined;
    let giveUp: (reason: unknown) => void = () => undefined;
    const ended = new Promise<JobEnd>((resolve, reject) => {
      settle = resolve;
      giveUp = reject;
    });
    // The rejection is handled below, or the caller no longer waits.
    ended.catch(() => undefined);
    const onAbort = (): void => giveUp(signal?.reason);
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => giveUp(this.#late(timeoutMs)), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    const following = this.events.follow(this.jobId, { onProgress: this.#remember, onEnd: settle });
    following.catch(giveUp);
    try {
      const end = await ended;
      if ('error' in end) throw end.error;
      // SAFETY: the contract says what jobs of this name end with.
      return end.result as Result;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      following.then(
        ({ stop }) => stop(),
        () => undefined,
      );
    }
  }

  /** Progress of the job, from now until it ends; at most a few times a second. */
  async *progress(signal?: AbortSignal): AsyncGenerator<Progress, void, undefined> {
    const received: Progress[] = [];
    let isOver = false;
    let wake: () => void = () => undefined;
    const onAbort = (): void => wake();
    signal?.addEventListener('abort', onAbort, { once: true });
    const { stop } = await this.events.follow(this.jobId, {
      onProgress: progress => {
        this.#remember(progress);
        received.push(progress);
        wake();
      },
      onEnd: () => {
        isOver = true;
        wake();
      },
    });
    try {
      for (;;) {
        signal?.throwIfAborted();
        const next = received.shift();
        if (next !== undefined) yield next;
        else if (isOver) return;
        else await new Promise<void>(resolve => (wake = resolve));
      }
    } finally {
      stop();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /**
   * Cancels the job: removes it while it waits in the queue; once it was started, releases its session, and the job
   * fails with `released_by_client`.
   *
   * @throws JobError `job_not_found`, `redis_unavailable`, `closed`.
   */
  async cancel(): Promise<CancelOutcome> {
    try {
      return await this.#cancel();
    } catch (error) {
      throw unavailable(error, this.jobId);
    }
  }

  async #cancel(): Promise<CancelOutcome> {
    const job = await this.events.inTime(this.parts.queue.getJob(this.jobId), this.jobId);
    if (job === undefined) throw new JobError('job_not_found', 'There is no such job.', this.jobId);
    if (job.finishedOn !== undefined) return 'too_late';
    // A job that was started before may have a session, and may be in the queue again only to be ended.
    const isUntouched = job.attemptsStarted === 0;
    if (isUntouched && ADDED_STATES.has(await this.events.inTime(job.getState(), this.jobId))) {
      try {
        await this.events.inTime(job.remove(), this.jobId);
        return 'removed';
      } catch (error) {
        // A worker has just taken it: it is locked, or its child is under keys that producers may not access.
        if (!/locked|NOPERM/.test(String(error))) throw error;
      }
    }
    if (!WITH_SESSION.has(job.name)) return 'too_late';
    const sessionId = this.#sessionId ?? (await this.#firstSession());
    if (sessionId === null) return 'too_late';
    await this.parts.release(sessionId);
    return 'released';
  }

  /* Null: the job ended without a session. */
  async #firstSession(): Promise<string | null> {
    for await (const { sessionId } of this.progress()) return sessionId;
    return null;
  }

  readonly #remember = (progress: Progress): void => {
    this.#sessionId ??= progress.sessionId;
  };

  #late(timeoutMs: number): JobError {
    return new JobError(
      'wait_timeout',
      `The job has no result after ${timeoutMs} ms. It goes on.`,
      this.jobId,
    );
  }
}
