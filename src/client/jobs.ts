import { entriesOf } from './entries';
import { pathSegment } from './path-segment';
import type { RequestOptions, Transport } from './transport';

/** A job in quarantine, which no consumer could handle. Its texts are safe to be shown. */
export interface QuarantinedJob {
  /** Id of the entry, not of the job; the methods below take it. */
  readonly id: string;
  readonly queue: string;
  readonly jobId: string;
  readonly name: string;
  readonly reason: string;
  readonly detail: string;
  readonly at: string;
  /** Size of the payload in the queue, bytes. */
  readonly size: number;
}

/** The same with the kept part of its payload, JSON or not. */
export interface QuarantinedJobWithData extends QuarantinedJob {
  readonly data: string;
  readonly truncated: boolean;
}

/** Selects jobs. */
export interface ListJobsOptions extends RequestOptions {
  /** `launch`, `sessions`, `timers` or `ingress`. */
  readonly queue?: string | undefined;
  /** Size of one page, 1 to 100. */
  readonly limit?: number | undefined;
}

/** The jobs in quarantine. */
export class Jobs {
  constructor(private readonly transport: Transport) {}

  /** All jobs, newest first; pages are requested as they are needed. */
  list(options: ListJobsOptions = {}): AsyncGenerator<QuarantinedJob, void, undefined> {
    return entriesOf<QuarantinedJob>(this.transport, '/v1/jobs', 'jobs', options);
  }

  /** @throws HoldfastError `job_not_found`. */
  async get(id: string, request: RequestOptions = {}): Promise<QuarantinedJobWithData> {
    const { body } = await this.transport.send({ ...request, method: 'GET', path: pathOf(id) });
    // SAFETY: a 2xx of this route carries a job.
    return body as QuarantinedJobWithData;
  }

  /**
   * Puts a job back into its queue unchanged, and removes it from quarantine. Not retried: the answer to a repeat would
   * be that there is no such job.
   *
   * @throws HoldfastError `job_not_found`, `job_not_retryable`.
   */
  async retry(
    id: string,
    request: RequestOptions = {},
  ): Promise<{ readonly queue: string; readonly jobId: string }> {
    const path = `${pathOf(id)}/retry`;
    const { body } = await this.transport.send({ maxRetries: 0, ...request, method: 'POST', path });
    // SAFETY: a 2xx of this route says where the job is.
    return body as { queue: string; jobId: string };
  }

  /** Forgets a job; not retried, like {@link retry}. @throws HoldfastError `job_not_found`. */
  async discard(id: string, request: RequestOptions = {}): Promise<void> {
    await this.transport.send({ maxRetries: 0, ...request, method: 'DELETE', path: pathOf(id) });
  }
}

const pathOf = (id: string): string => `/v1/jobs/${pathSegment(id, 'job_not_found')}`;
