import type { JobsOptions } from 'bullmq';
import { JobError } from './errors';
import { JobEvents, unavailable } from './job-events';
import { JobHandle } from './job-handle';
import type {
  CreateData,
  Deduplicated,
  ExtendData,
  LiveSessionView,
  RunData,
  RunResult,
  SessionOutcome,
  SessionView,
} from './jobs';

/** Options of {@link SessionProducer}. */
export interface SessionProducerOptions {
  /**
   * `redis://…`, `rediss://…`, `unix:///path`, `redis+sentinel://…` or `redis+cluster://…`; what `holdfast redis-url`
   * prints.
   */
  readonly redisUrl: string;
  /** Default `{hf-in}`. */
  readonly prefix?: string;
}

/** How to add a job to the queue. */
export interface AddOptions {
  /** A second job with this id is not added while the first one exists. Without a colon, and not a number. */
  readonly jobId?: string;
  /** Delay in milliseconds; at most a day. */
  readonly delayMs?: number;
}

const VERSION = 1;

/** The service puts a job with a longer delay into quarantine. */
const DELAY_MAX_MS = 86_400_000;

/** For jobs that make room, or that keep a session from ending: they are taken before all waiting jobs. */
const FIRST: JobsOptions = { lifo: true };

/**
 * Puts session jobs into the queue of a Holdfast installation and follows them. It needs a connection to the
 * installation's Redis and nothing else: neither the API nor a key. Close it at the end.
 */
export class SessionProducer {
  readonly #events: JobEvents;
  #isClosed = false;

  constructor({ redisUrl, prefix = '{hf-in}' }: SessionProducerOptions) {
    this.#events = new JobEvents(redisUrl, prefix);
  }

  /**
   * Asks for a session; the result comes when it is live. Sessions are accepted in the order of their jobs.
   *
   * @throws JobError `invalid_request`, `closed`; `redis_unavailable`: the job may be in the queue or not; with a
   *   `dedupKey` a repeat is safe.
   */
  async create(
    data: CreateData & Deduplicated = {},
    options: AddOptions = {},
  ): Promise<JobHandle<LiveSessionView>> {
    return this.#add('session.create', data, optionsOf(options), data.sessionId ?? null);
  }

  /** Changes time-outs, labels or name of an open session; the result is the session. @throws JobError. */
  async extend(
    sessionId: string,
    data: ExtendData,
    options: AddOptions = {},
  ): Promise<JobHandle<SessionView>> {
    return this.#add(
      'session.extend',
      { ...data, sessionId },
      { ...FIRST, ...optionsOf(options) },
      sessionId,
    );
  }

  /** Ends a session; the result comes when its browser is gone. A second release is safe. @throws JobError. */
  async release(sessionId: string, options: AddOptions = {}): Promise<JobHandle<SessionOutcome>> {
    return this.#add('session.release', { sessionId }, { ...FIRST, ...optionsOf(options) }, sessionId);
  }

  /** Runs steps in a session, its own or an existing one; the result is their outputs. @throws JobError. */
  async run(data: RunData & Deduplicated, options: AddOptions = {}): Promise<JobHandle<RunResult>> {
    const sessionId = data.sessionId ?? data.session?.sessionId ?? null;
    return this.#add('session.run', data, optionsOf(options), sessionId);
  }

  /** A job that was added before, by this process or another one. Nothing is requested yet. */
  job<Result = unknown>(jobId: string): JobHandle<Result> {
    return this.#handle(jobId, null);
  }

  /** Disconnects. Jobs continue; pending waits for results reject with `closed`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#events.close();
  }

  async #add<Result>(
    name: string,
    data: object,
    options: JobsOptions,
    sessionId: string | null,
  ): Promise<JobHandle<Result>> {
    if (this.#isClosed) throw new JobError('closed', 'The producer is closed.', null);
    check(data, options);
    try {
      const adding = this.#events.queue.add(name, { v: VERSION, ...data }, options);
      const { id } = await this.#events.inTime(adding, options.jobId ?? null);
      return this.#handle(id ?? '', sessionId);
    } catch (error) {
      throw unavailable(error, options.jobId ?? null);
    }
  }

  #handle<Result>(jobId: string, sessionId: string | null): JobHandle<Result> {
    const release = async (id: string): Promise<void> => {
      const releasing = await this.release(id);
      await releasing.result();
    };
    return new JobHandle<Result>(jobId, this.#events, { queue: this.#events.queue, release }, sessionId);
  }
}

/* Refuses what BullMQ would refuse, or what would make Redis fail in the middle of adding the job. */
function check(data: object, { jobId, delay }: JobsOptions): void {
  if (jobId !== undefined && (jobId === '' || jobId.includes(':') || String(parseInt(jobId, 10)) === jobId)) {
    throw new JobError('invalid_request', 'A job id must not have a colon and must not be a number.', jobId);
  }
  if (delay !== undefined && !(delay >= 0 && delay <= DELAY_MAX_MS)) {
    throw new JobError('invalid_request', `delayMs must be between 0 and ${DELAY_MAX_MS}.`, jobId ?? null);
  }
  try {
    JSON.stringify(data);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new JobError('invalid_request', `The data cannot be written as JSON: ${why}`, jobId ?? null, cause);
  }
}

const optionsOf = ({ jobId, delayMs }: AddOptions): JobsOptions => ({
  ...(jobId === undefined ? {} : { jobId }),
  ...(delayMs === undefined ? {} : { delay: delayMs }),
});
