import type { IngressJob } from './held-job';

/** What becomes of a job. */
export type JobOutcome =
  | { readonly result: unknown }
  /** The reason begins with a stable code. */
  | { readonly failure: string };

/** Works on an accepted job to its end. Throws what Redis throws while it is away: then the job is taken up again. */
export type FinishJob = () => Promise<JobOutcome>;

/**
 * Does what has to be done in the order of the queue, and answers how to go on from there: that runs beside all others.
 * Throws like {@link FinishJob}, and is asked again then; it has to tolerate that.
 */
export type AcceptJob = (job: IngressJob) => Promise<FinishJob>;

/** What the consumer tells of its jobs. */
export interface IngressReport {
  jobHandled(
    queue: 'ingress',
    name: string,
    outcome: 'done' | 'again' | 'handed_back' | 'failed',
    durationMs: number,
  ): void;
  jobStalled(queue: 'ingress', jobId: string): void;
}
