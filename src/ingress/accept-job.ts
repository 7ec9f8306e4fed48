import { messageOf } from '../core/errors';
import type { IngressJob } from '../queue/held-job';
import type { AcceptJob, FinishJob, JobOutcome } from '../queue/ingress-handler';
import { JOB_MAX_BYTES, JOB_NAMES, type JobName } from './contract';
import { codeOf, isPassing } from './job-error';
import type { IngressParts } from './parts';
import { acceptRun } from './run-job';
import { acceptCreate, acceptExtend, acceptRelease } from './session-jobs';

/**
 * Takes jobs of other services. Whatever is in them, each ends with a result or with a reason that begins with a stable
 * code; those that no producer should have sent are kept besides (I18). Nothing is thrown but what passes.
 */
export function acceptJob(parts: IngressParts): AcceptJob {
  return async job => {
    const size = sizeOf(job.data);
    if (size > JOB_MAX_BYTES) {
      const detail = Number.isFinite(size) ? `${size} bytes` : 'nested too deeply';
      await parts.contain(job, 'oversized', detail);
      await job.dropData();
      return failed(`invalid_request: the data is too large (${detail}); ${JOB_MAX_BYTES} bytes at most`);
    }
    const name = JOB_NAMES.find(known => known === job.name);
    if (name === undefined) {
      await parts.contain(job, 'unknown_name', job.name);
      return failed(`invalid_request: the name of a job must be one of ${JOB_NAMES.join(', ')}`);
    }
    try {
      const finish = await begin(parts, job, name);
      return () => finish().catch((error: unknown) => failureOf(parts, job, error));
    } catch (error) {
      const failure = await failureOf(parts, job, error);
      if (isRefusal(error)) await parts.contain(job, 'malformed', messageOf(error));
      return () => Promise.resolve(failure);
    }
  };
}

async function begin(parts: IngressParts, job: IngressJob, name: JobName): Promise<FinishJob> {
  switch (name) {
    case 'session.create':
      return acceptCreate(parts, job);
    case 'session.extend':
      return acceptExtend(parts, job);
    case 'session.release':
      return acceptRelease(parts, job);
    case 'session.run':
      return acceptRun(parts, job);
  }
}

/* What the job itself says is wrong; not that its id or key is in use, or its session gone. */
function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'invalid_request' || code === 'not_supported';
}

async function failureOf(parts: IngressParts, job: IngressJob, error: unknown): Promise<JobOutcome> {
  if (isPassing(error) || job.signal.aborted) throw error;
  const code = codeOf(error);
  if (code !== null) return { failure: `${code}: ${messageOf(error)}` };
  parts.log.error({ err: error, job: job.name }, 'a job failed for a reason nobody knows');
  await parts.contain(job, 'failed', messageOf(error));
  return { failure: 'internal_error: something of ours broke; the log knows more' };
}

const failed =
  (failure: string): FinishJob =>
  () =>
    Promise.resolve({ failure });

/* Bytes of the data as JSON; infinite for what is nested so deeply that it cannot be written again. */
function sizeOf(data: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(data) ?? '');
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
