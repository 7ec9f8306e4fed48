import { jobKey, type IngressJob } from '../queue/ingress-job';

const ACTOR_ID_MAX = 100;

/** The Idempotency-Key of the session that a job creates. */
export function idempotencyKeyOf(job: IngressJob, dedupKey: string | undefined): string {
  return dedupKey === undefined ? `ingress-job:${jobKey(job)}` : `ingress:${dedupKey}`;
}

/** The actor in histories for a job; unusual characters of its id are left out. */
export function actorOf({ id }: Pick<IngressJob, 'id'>): string {
  return `job:${id.replaceAll(/[^A-Za-z0-9_.:-]/g, '_').slice(0, ACTOR_ID_MAX)}`;
}
