import type { SessionRef } from '../core/ids';
import type { IngressJob } from './ingress-job';

/** Why a job ends without a result; begins with a stable code. */
export interface JobFailed {
  readonly failure: string;
}

/** What becomes of a job. */
export type JobOutcome = { readonly result: unknown } | JobFailed;

/** A job that goes on, and the session it is about. */
export interface AcceptedJob {
  readonly ref: SessionRef;
}

/**
 * Does what has to be done in the order of the queue: checks the job, makes its session. May be asked again for the same
 * job, and answers the same then. Throws what passes, such as that Redis is away; then it is asked again.
 */
export type AcceptJob = (job: IngressJob) => Promise<AcceptedJob | JobFailed>;

/** Works on an accepted job to its end, beside all others. Throws like {@link AcceptJob}, and is asked again then. */
export type FinishJob = (job: IngressJob, ref: SessionRef) => Promise<JobOutcome>;

/** Called for a job that was taken up too often, `taken` times: whatever it does, it ends us. */
export type ContainEndless = (job: IngressJob, taken: number) => Promise<void>;

/** A job that was in the hands of so many that died of it, or about then, is not tried again. */
export const TAKEN_MAX = 100;

/** How a job ends that was. */
export const endless = (taken: number): JobFailed => ({
  failure: `endless: the job was taken up ${taken} times`,
});
