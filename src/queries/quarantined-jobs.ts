import type { QuarantinedJob, QuarantineEntry, QuarantineStore } from '../store/quarantine-store';
import { jobNotFound } from '../engine/not-found';

/** Selects jobs in quarantine. */
export interface QuarantineQuery {
  readonly tenant: string;
  /** Null: every queue. */
  readonly queue: string | null;
  readonly cursor: string | null;
  readonly limit: number;
}

/** One page of the quarantined jobs that a tenant may see. */
export type ListQuarantine = (query: QuarantineQuery) => Promise<{
  readonly entries: readonly QuarantineEntry[];
  readonly nextCursor: string | null;
}>;

/** One job in quarantine with its payload. */
export type GetQuarantined = (tenant: string, id: string) => Promise<QuarantinedJob>;

/** Dependencies of {@link listQuarantine} and {@link getQuarantined}. */
export interface QuarantineParts {
  readonly quarantine: Pick<QuarantineStore, 'page' | 'get'>;
  /** The tenant of the jobs of other services. */
  readonly ingressTenant: string;
}

/** @throws what Redis throws while it is away. */
export function listQuarantine({ quarantine, ingressTenant }: QuarantineParts): ListQuarantine {
  return async ({ tenant, queue, cursor, limit }) =>
    quarantine.page({
      isWanted: entry => isSeenBy(entry, tenant, ingressTenant) && (queue === null || entry.queue === queue),
      cursor,
      limit,
    });
}

/** @throws ServiceError `job_not_found`, also for another tenant's; what Redis throws while it is away. */
export function getQuarantined({ quarantine, ingressTenant }: QuarantineParts): GetQuarantined {
  return async (tenant, id) => {
    const job = await quarantine.get(id);
    if (job === null || !isSeenBy(job, tenant, ingressTenant)) {
      throw jobNotFound();
    }
    return job;
  };
}

/*
 * A job names a session, and with it a tenant (I14). Every tenant may see a job of Holdfast's own that names no
 * session.
 */
function isSeenBy(entry: QuarantineEntry, tenant: string, ingressTenant: string): boolean {
  const owner = entry.queue === 'ingress' ? ingressTenant : entry.tenant;
  return owner === null || owner === tenant;
}
