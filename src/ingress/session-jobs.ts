import { refOf } from '../core/ids';
import type { IngressJob } from '../queue/held-job';
import type { FinishJob } from '../queue/ingress-handler';
import { untilLive } from './await-live';
import { releaseJob } from './contract';
import { actorOf, idempotencyKeyOf, jobKey } from './job-identity';
import type { IngressParts } from './parts';
import { readCreate, readExtend, readJob } from './read-job';

/**
 * `session.create`: the session is accepted in its turn, the job goes on until it is live. Its result is the session as the
 * API shows it; one that has lived and ended meanwhile, before the job was taken up again, is a result as well.
 */
export async function acceptCreate(parts: IngressParts, job: IngressJob): Promise<FinishJob> {
  const { dedupKey, session } = readCreate(parts, job.data);
  const { ref } = await parts.createSession({
    tenant: parts.tenant,
    session,
    idempotencyKey: idempotencyKeyOf(job, dedupKey),
    actor: actorOf(job),
  });
  return async () => ({ result: parts.viewOf(await untilLive(parts, job, ref)) });
}

/** `session.extend`: changes a session as `PATCH` does; the result is the session. A second delivery changes nothing. */
export function acceptExtend(parts: IngressParts, job: IngressJob): FinishJob {
  const { sessionId, change } = readExtend(parts, job.data);
  const ref = refOf(parts.tenant, sessionId);
  return async () => {
    await parts.updateSession({
      ref,
      ...change,
      ifRevision: null,
      actor: actorOf(job),
      requestKey: `job:${jobKey(job)}`,
    });
    return { result: parts.viewOf(await parts.getSession(ref)) };
  };
}

/** `session.release`: ends a session, and ends itself when the browser is gone; the result says how the session ended. */
export function acceptRelease(parts: IngressParts, job: IngressJob): FinishJob {
  const { sessionId } = readJob(releaseJob, job.data);
  return async () => {
    const released = await parts.releaseSession({
      ref: refOf(parts.tenant, sessionId),
      reason: 'released_by_client',
      actor: actorOf(job),
      requestKey: `job:${jobKey(job)}`,
    });
    await released.closed();
    return { result: outcomeOf(parts.viewOf({ ...released, queuePosition: null })) };
  };
}

/** How a session ended, or that it has not. */
export function outcomeOf({ id, status, endReason }: ReturnType<IngressParts['viewOf']>): {
  id: string;
  status: string;
  endReason: string | null;
} {
  return { id, status, endReason };
}
