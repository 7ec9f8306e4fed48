import { messageOf } from '../core/errors';
import type { SessionRef } from '../core/ids';
import type { AcceptJob, FinishJob, JobFailed, JobOutcome } from '../queue/ingress-handler';
import type { IngressJob } from '../queue/ingress-job';
import { JOB_MAX_BYTES } from './contract';
import { INGRESS_JOBS, type IngressJobName } from '../../machines/session/session.words';
import { codeOf, isTemporary } from './job-error';
import type { IngressParts } from './parts';
import { acceptRun, finishRun } from './run-job';
import {
  acceptCreate,
  acceptExtend,
  acceptRelease,
  finishCreate,
  finishExtend,
  finishRelease,
} from './session-jobs';

/**
 * Accepts jobs of other services. With any content, each ends with a result or with a reason that begins with a stable
 * code; invalid ones are also put into quarantine (I18). Only temporary errors are thrown.
 */
export function acceptJob(parts: IngressParts): AcceptJob {
  return async job => {
    const size = sizeOf(job.data);
    if (size > JOB_MAX_BYTES) {
      const detail = Number.isFinite(size) ? `${size} bytes` : 'nested too deeply';
      await parts.quarantine(job, 'oversized', detail);
      await job.dropData();
      return {
        failure: `invalid_request: the data is too large (${detail}); ${JOB_MAX_BYTES} bytes at most`,
      };
    }
    const name = nameOf(job);
    if (name === null) {
      await parts.quarantine(job, 'unknown_name', job.name);
      return { failure: `invalid_request: the name of a job must be one of ${INGRESS_JOBS.join(', ')}` };
    }
    try {
      return { ref: await begin(parts, job, name) };
    } catch (error) {
      const failure = await failureOf(parts, job, error);
      if (isRefusal(error)) await parts.quarantine(job, 'malformed', messageOf(error));
      return failure;
    }
  };
}

/** Continues accepted jobs until they end in the same ways. */
export function finishJob(parts: IngressParts): FinishJob {
  return async (job, ref) => {
    const name = nameOf(job);
    if (name === null)
      return { failure: 'invalid_request: the name of the job has changed since it was accepted' };
    try {
      return await continueJob(parts, job, name, ref);
    } catch (error) {
      return failureOf(parts, job, error);
    }
  };
}

const nameOf = (job: IngressJob): IngressJobName | null =>
  INGRESS_JOBS.find(known => known === job.name) ?? null;

async function begin(parts: IngressParts, job: IngressJob, name: IngressJobName): Promise<SessionRef> {
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

async function continueJob(
  parts: IngressParts,
  job: IngressJob,
  name: IngressJobName,
  ref: SessionRef,
): Promise<JobOutcome> {
  switch (name) {
    case 'session.create':
      return finishCreate(parts, job, ref);
    case 'session.extend':
      return finishExtend(parts, job, ref);
    case 'session.release':
      return finishRelease(parts, job, ref);
    case 'session.run':
      return finishRun(parts, job, ref);
  }
}

/* Whether the content of the job is wrong; not that its id or key is in use, or its session gone. */
function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'invalid_request' || code === 'not_supported';
}

async function failureOf(parts: IngressParts, job: IngressJob, error: unknown): Promise<JobFailed> {
  if (isTemporary(error) || job.signal.aborted) throw error;
  const code = codeOf(error);
  if (code !== null) return { failure: `${code}: ${messageOf(error)}` };
  parts.log.error({ err: error, job: job.name }, 'a job failed with an unexpected error');
  await parts.quarantine(job, 'failed', messageOf(error));
  return { failure: 'internal_error: the service failed; its logs have details' };
}

/* Bytes of the data as JSON; infinite for data that is nested too deeply to be written. */
function sizeOf(data: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(data) ?? '');
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
