import { ServiceError, messageOf } from '../core/errors';
import { commandPayload, launchPayload, PAYLOAD_MAX_BYTES, timerPayload } from '../queue/payloads';
import { OWN_QUEUES } from '../../machines/session/session.words';
import type { Producer } from '../queue/producer';
import type { QuarantinedJob, QuarantineStore } from '../store/quarantine-store';

/** The queue and the new id of a retried job. */
export interface RetriedJob {
  readonly queue: string;
  readonly jobId: string;
}

/** Puts a quarantined job back into its queue. */
export type RetryJob = (tenant: string, id: string) => Promise<RetriedJob>;

/** Forgets a quarantined job. */
export type DiscardJob = (tenant: string, id: string) => Promise<void>;

/** Dependencies of {@link retryJob} and {@link discardJob}. */
export interface RetryJobParts {
  /** @throws ServiceError `job_not_found`. */
  readonly getQuarantined: (tenant: string, id: string) => Promise<QuarantinedJob>;
  readonly quarantine: Pick<QuarantineStore, 'remove'>;
  readonly producer: Pick<Producer, 'addAgain'>;
  /** Checks a job of another service. @throws ServiceError that says what is wrong with it. */
  readonly checkIngressJob: (name: string, data: unknown) => void;
}

const SCHEMAS = { launch: launchPayload, sessions: commandPayload, timers: timerPayload } as const;

/**
 * Adds a job again unchanged, under an id made from its entry: a repeat of this call while the job still exists adds
 * nothing. A job that would go into quarantine again at once is refused.
 *
 * @throws ServiceError `job_not_found`, `job_not_retryable`; what Redis throws while it is away.
 */
export function retryJob(parts: RetryJobParts): RetryJob {
  return async (tenant, id) => {
    const job = await parts.getQuarantined(tenant, id);
    const data = checked(job, parts.checkIngressJob);
    const jobId = `retry-${id}`;
    await parts.producer.addAgain(job.queue, { jobId, name: job.name, data });
    await parts.quarantine.remove(id);
    return { queue: job.queue, jobId };
  };
}

/** @throws ServiceError `job_not_found`; what Redis throws while it is away. */
export function discardJob({ getQuarantined, quarantine }: RetryJobParts): DiscardJob {
  return async (tenant, id) => {
    await getQuarantined(tenant, id);
    await quarantine.remove(id);
  };
}

function checked(job: QuarantinedJob, checkIngressJob: RetryJobParts['checkIngressJob']): unknown {
  if (job.isTruncated) throw notRetryable('only a part of its payload was kept');
  const data = parsed(job.data);
  const queue = OWN_QUEUES.find(name => name === job.queue);
  try {
    if (queue === undefined) checkIngressJob(job.name, data);
    else if (queue === 'accepted') throw new Error('the ingress job that it belongs to has ended');
    else checkInternal(queue, job.size, data);
  } catch (error) {
    throw notRetryable(messageOf(error));
  }
  return data;
}

function checkInternal(queue: keyof typeof SCHEMAS, size: number, data: unknown): void {
  if (size > PAYLOAD_MAX_BYTES)
    throw new Error(`its payload has ${size} bytes, the limit is ${PAYLOAD_MAX_BYTES}`);
  const { error } = SCHEMAS[queue].safeParse(data);
  const [issue] = error?.issues ?? [];
  if (issue !== undefined) throw new Error(`/${issue.path.map(String).join('/')}: ${issue.message}`);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The parser's own message would quote the payload.
    throw notRetryable('its payload is not JSON');
  }
}

const notRetryable = (why: string): ServiceError =>
  new ServiceError('job_not_retryable', `The job would go into quarantine again: ${why}`);
