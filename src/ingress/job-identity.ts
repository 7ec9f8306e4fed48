import { createHash } from 'node:crypto';
import type { IngressJob } from '../queue/held-job';

const ACTOR_ID_MAX = 100;

/**
 * What makes a job this job, also when it is taken up again: its id and when it was added, for ids come again once a job is
 * forgotten. A digest, since producers choose ids and ours have a narrow alphabet.
 */
export function jobKey({ id, addedAtMs }: Pick<IngressJob, 'id' | 'addedAtMs'>): string {
  return createHash('sha256').update(`${id}\n${addedAtMs}`).digest('hex').slice(0, 32);
}

/** The Idempotency-Key of the session that a job makes. */
export function idempotencyKeyOf(job: IngressJob, dedupKey: string | undefined): string {
  return dedupKey === undefined ? `ingress-job:${jobKey(job)}` : `ingress:${dedupKey}`;
}

/** How histories name a job; whatever is not plain in its id is left out. */
export function actorOf({ id }: Pick<IngressJob, 'id'>): string {
  return `job:${id.replaceAll(/[^A-Za-z0-9_.:-]/g, '_').slice(0, ACTOR_ID_MAX)}`;
}
