import { type SessionStatus, STATUSES } from '../../machines/session/session.words';
import { refOf, type SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';
import { labelFilters, type LabelRequirement } from './label-index';
import { pageOfMembers, type Filter } from './member-page';

/** Selects sessions of a tenant. Filters are ANDed. */
export interface Selection {
  /** One of these; empty: any. */
  readonly statuses: readonly SessionStatus[];
  readonly labels: readonly LabelRequirement[];
  /** Exclusive, epoch milliseconds. */
  readonly createdAfterMs: number | null;
  /** Exclusive, epoch milliseconds. */
  readonly createdBeforeMs: number | null;
}

/** What to list. */
export interface PageRequest extends Selection {
  readonly tenant: string;
  /** The `next` of the page before; null for the newest. */
  readonly cursor: string | null;
  readonly limit: number;
}

/** One page: refs newest first, and where the next one starts (null: that was all). */
export interface Page {
  readonly refs: readonly SessionRef[];
  readonly nextCursor: string | null;
}

/** Reads over many sessions. */
export class SessionIndex {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** One page of a tenant's retained sessions. May be shorter than `limit`, even empty, and still have a next page. */
  async page({ tenant, statuses, labels, ...request }: PageRequest): Promise<Page> {
    const { ids, nextCursor } = await pageOfMembers(this.scripts, {
      ...request,
      all: keys.indexAll(tenant),
      filters: [
        ...statusFilter(tenant, statuses),
        ...labelFilters(labels, label => keys.indexLabel(tenant, label)),
      ],
    });
    return { refs: ids.map(id => refOf(tenant, id)), nextCursor };
  }

  /** How many sessions are launched before this one, if none is created meanwhile; null if it does not wait. */
  async queuePosition(ref: SessionRef): Promise<number | null> {
    // Sessions that a version without turns has created are in the second set only.
    return (await this.redis.zrank(keys.turns, ref)) ?? this.redis.zrank(keys.queued, ref);
  }

  /** Retained sessions of the whole installation, by status. */
  async counts(): Promise<Record<SessionStatus, number>> {
    const counts = await this.redis.hgetall(keys.counts);
    // SAFETY: the entries are those of all statuses; Object.fromEntries forgets them.
    return Object.fromEntries(STATUSES.map(status => [status, Number(counts[status] ?? 0)])) as Record<
      SessionStatus,
      number
    >;
  }
}

function statusFilter(tenant: string, statuses: Selection['statuses']): readonly Filter[] {
  if (statuses.length === 0) return [];
  return [{ wanted: true, sets: [...new Set(statuses)].map(status => keys.indexStatus(tenant, status)) }];
}
