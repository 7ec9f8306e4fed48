import { HoldfastError } from '../core/errors';
import type { QuarantinedJob, QuarantineEntry, QuarantineStore } from '../store/quarantine-store';

/** Which jobs in quarantine a caller asks for. */
export interface QuarantineQuery {
  readonly tenant: string;
  /** null: of every queue. */
  readonly queue: string | null;
  readonly cursor: string | null;
  readonly limit: number;
}

/** One page of what a tenant may see of the quarantine. */
export type ListQuarantine = (query: QuarantineQuery) => Promise<{
  readonly entries: readonly QuarantineEntry[];
  readonly nextCursor: string | null;
}>;

/** One job in quarantine with its payload. */
export type GetQuarantined = (tenant: string, id: string) => Promise<QuarantinedJob>;

/** What {@link listQuarantine} and {@link getQuarantined} work with. */
export interface QuarantineParts {
  readonly quarantine: Pick<QuarantineStore, 'page' | 'get'>;
  /** Whose jobs those of other services are. */
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

/** @throws HoldfastError `job_not_found`, also for another tenant's; what Redis throws while it is away. */
export function getQuarantined({ quarantine, ingressTenant }: QuarantineParts): GetQuarantined {
  return async (tenant, id) => {
    const job = await quarantine.get(id);
    if (job === null || !isSeenBy(job, tenant, ingressTenant)) {
      throw new HoldfastError('job_not_found', 'There is no such job in quarantine.');
    }
    return job;
  };
}

/* A job names a session, and with it a tenant (I14). One of ours that names none says nothing about anybody. */
function isSeenBy(entry: QuarantineEntry, tenant: string, ingressTenant: string): boolean {
  const owner = entry.queue === 'ingress' ? ingressTenant : entry.tenant;
  return owner === null || owner === tenant;
}
