import { contextRefOf, type ContextRef } from '../../core/ids';
import type { Redis } from '../../redis/connection';
import { keys } from '../../redis/keys';
import type { ScriptRunner } from '../../redis/script-runner';
import { labelFilters, type LabelRequirement } from '../label-index';
import { pageOfMembers } from '../member-page';

/** Selects contexts of a tenant. Filters are ANDed. */
export interface ContextSelection {
  readonly labels: readonly LabelRequirement[];
  /** Exclusive, epoch milliseconds. */
  readonly createdAfterMs: number | null;
  /** Exclusive, epoch milliseconds. */
  readonly createdBeforeMs: number | null;
}

/** What to list. */
export interface ContextPageRequest extends ContextSelection {
  readonly tenant: string;
  /** The `nextCursor` of the page before; null for the newest. */
  readonly cursor: string | null;
  readonly limit: number;
}

/** One page: refs newest first, and where the next one starts (null: that was all). */
export interface ContextRefPage {
  readonly refs: readonly ContextRef[];
  readonly nextCursor: string | null;
}

/** What a tenant's contexts take. */
export interface ContextUsage {
  readonly contexts: number;
  /** Of all kept versions. */
  readonly bytes: number;
}

/** Reads over many contexts. */
export class ContextIndex {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** One page of a tenant's contexts. May be shorter than `limit`, even empty, and still have a next page. */
  async page({ tenant, labels, ...request }: ContextPageRequest): Promise<ContextRefPage> {
    const { ids, nextCursor } = await pageOfMembers(this.scripts, {
      ...request,
      all: keys.contextIndexAll(tenant),
      filters: labelFilters(labels, label => keys.contextIndexLabel(tenant, label)),
    });
    return { refs: ids.map(id => contextRefOf(tenant, id)), nextCursor };
  }

  /** What a tenant's contexts take now. */
  async usage(tenant: string): Promise<ContextUsage> {
    const [contexts, bytes] = await Promise.all([
      this.redis.zcard(keys.contextIndexAll(tenant)),
      this.redis.hget(keys.contextBytes, tenant),
    ]);
    return { contexts, bytes: Number(bytes ?? 0) };
  }

  /** Bytes of all contexts of the installation. */
  async totalBytes(): Promise<number> {
    const byTenant = await this.redis.hvals(keys.contextBytes);
    return byTenant.reduce((sum, bytes) => sum + Number(bytes), 0);
  }
}
