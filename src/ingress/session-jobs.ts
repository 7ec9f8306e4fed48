import type { SessionData } from '../client/session';
import { refOf, type SessionRef } from '../core/ids';
import type { JobOutcome } from '../queue/ingress-handler';
import { jobKey, type IngressJob } from '../queue/ingress-job';
import { untilLive } from './await-live';
import { releaseJob } from './contract';
import { actorOf, idempotencyKeyOf } from './job-identity';
import type { IngressParts } from './parts';
import { readCreate, readExtend, readJob } from './read-job';

/** `session.create`: the session is created in the order of the queue. */
export async function acceptCreate(parts: IngressParts, job: IngressJob): Promise<SessionRef> {
  const { dedupKey, session } = readCreate(parts, job.data);
  const { ref } = await parts.createSession({
    tenant: parts.tenant,
    session,
    idempotencyKey: idempotencyKeyOf(job, dedupKey),
    actor: actorOf(job),
  });
  return ref;
}

/** Waits until the session is live. The result is the live session as the API shows it. */
export async function finishCreate(
  parts: IngressParts,
  job: IngressJob,
  ref: SessionRef,
): Promise<JobOutcome> {
  return { result: parts.views.of(await untilLive(parts, job, ref)) };
}

/** `session.extend`: needs a session that exists. */
export function acceptExtend(parts: IngressParts, job: IngressJob): SessionRef {
  return refOf(parts.tenant, readExtend(parts, job.data).sessionId);
}

/** Changes the session as `PATCH` does; the result is the session. A second delivery changes nothing. */
export async function finishExtend(
  parts: IngressParts,
  job: IngressJob,
  ref: SessionRef,
): Promise<JobOutcome> {
  await parts.updateSession({
    ref,
    ...readExtend(parts, job.data).change,
    ifRevision: null,
    actor: actorOf(job),
    requestKey: `job:${jobKey(job)}`,
  });
  return { result: parts.views.of(await parts.getSession(ref)) };
}

/** `session.release`: needs a session that exists, ended or not. */
export function acceptRelease(parts: IngressParts, job: IngressJob): SessionRef {
  return refOf(parts.tenant, readJob(releaseJob, job.data).sessionId);
}

/** Ends the session; the job ends when the browser is gone, and its result says how the session ended. */
export async function finishRelease(
  parts: IngressParts,
  job: IngressJob,
  ref: SessionRef,
): Promise<JobOutcome> {
  return { result: await release(parts, job, ref) };
}

/** Releases a session for a job; answers when its browser is gone. */
export async function release(
  parts: IngressParts,
  job: IngressJob,
  ref: SessionRef,
): Promise<SessionOutcome> {
  const released = await parts.releaseSession({
    ref,
    reason: 'released_by_client',
    actor: actorOf(job),
    requestKey: `job:${jobKey(job)}`,
  });
  await released.closed();
  return outcomeOf(parts.views.of({ ...released, queuePosition: null }));
}

/** The part of a job's result about its session. */
export type SessionOutcome = Pick<SessionData, 'id' | 'status' | 'endReason'>;

/** Id, status and end reason of a session. */
export function outcomeOf({ id, status, endReason }: SessionData): SessionOutcome {
  return { id, status, endReason };
}
