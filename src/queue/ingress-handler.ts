import type { SessionRef } from '../core/ids';
import type { IngressJob } from './ingress-job';

/** Why a job ends without a result; begins with a stable code. */
export interface JobFailed {
  readonly failure: string;
}

/** The outcome of a job. */
export type JobOutcome = { readonly result: unknown } | JobFailed;

/** An accepted job, and the session it is about. */
export interface AcceptedJob {
  readonly ref: SessionRef;
}

/**
 * Does the part of a job that must keep the order of the queue: checks the job and creates its session. May be called
 * again for the same job, and then gives the same answer. Throws only for temporary conditions, such as Redis being
 * away; it is then called again.
 */
export type AcceptJob = (job: IngressJob) => Promise<AcceptedJob | JobFailed>;

/**
 * Works on an accepted job until its end, in parallel with all others. Throws like {@link AcceptJob}, and is then
 * called again.
 */
export type FinishJob = (job: IngressJob, ref: SessionRef) => Promise<JobOutcome>;

/** Called for a job that was taken up too often, `taken` times: presumably it kills the process that handles it. */
export type QuarantineEndless = (job: IngressJob, taken: number) => Promise<void>;

/** A job that was taken up so often without an end, because its processes died, is not tried again. */
export const TAKEN_MAX = 100;

/** The failure of such a job. */
export const endless = (taken: number): JobFailed => ({
  failure: `endless: the job was started ${taken} times without an end`,
});
