import { type SessionStatus, STATUSES } from '../../machines/session/session.words';
import { parseRef, refOf, type SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { idOfIndexMember, indexMember, keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';

/**
 * How many lookups one page may cost Redis, about: a filter that matches nothing then blocks Redis for a few
 * milliseconds only.
 */
const PAGE_BUDGET = 5_000;

/** What must hold of one label. Sessions without the label satisfy `notin`, as in Kubernetes. */
export type LabelRequirement =
  | { readonly name: string; readonly operator: 'in' | 'notin'; readonly values: readonly string[] }
  | { readonly name: string; readonly operator: 'exists' | 'absent' };

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
  async page({ tenant, cursor, limit, ...selection }: PageRequest): Promise<Page> {
    const filters = filtersOf(tenant, selection);
    const reply = await this.scripts.run(
      'pageSessions',
      [keys.indexAll(tenant), ...filters.flatMap(({ sets }) => sets)],
      [
        lowest(cursor, memberTime(selection.createdBeforeMs)) ?? '',
        memberTime(selection.createdAfterMs === null ? null : selection.createdAfterMs + 1) ?? '',
        limit,
        PAGE_BUDGET,
        ...filters.map(({ wanted, sets }) => (wanted ? sets.length : -sets.length)),
      ],
    );
    // SAFETY: the script answers with an array of strings, the first being the cursor.
    const [next = '', ...members] = reply as string[];
    return {
      refs: members.map(member => refOf(tenant, idOfIndexMember(member))),
      nextCursor: next === '' ? null : next,
    };
  }

  /** How many sessions wait before this one; null if it does not wait. */
  async queuePosition(ref: SessionRef): Promise<number | null> {
    return this.redis.zrank(keys.queued, ref);
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

/** Sets a session must be in one of, or, if not `wanted`, in none of. */
interface Filter {
  readonly wanted: boolean;
  readonly sets: readonly string[];
}

function filtersOf(tenant: string, { statuses, labels }: Omit<Selection, 'createdAfterMs'>): Filter[] {
  const ofLabels = labels.map((requirement): Filter => {
    const { name } = requirement;
    if (!('values' in requirement)) {
      return { wanted: requirement.operator === 'exists', sets: [keys.indexLabel(tenant, name)] };
    }
    // Without duplicates: a set that is named twice would be walked twice.
    const sets = [...new Set(requirement.values)].map(value => keys.indexLabel(tenant, `${name}=${value}`));
    return { wanted: requirement.operator === 'in', sets };
  });
  if (statuses.length === 0) return ofLabels;
  const sets = [...new Set(statuses)].map(status => keys.indexStatus(tenant, status));
  return [{ wanted: true, sets }, ...ofLabels];
}

/* The prefix of index members created at a time; times before 1970 count as 0. */
const memberTime = (ms: number | null): string | null =>
  ms === null ? null : indexMember(Math.max(0, ms), '');

function lowest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

/** Whether a cursor could have come from {@link SessionIndex.page}. */
export function isCursor(text: string): boolean {
  return /^[0-9a-f]{12}/.test(text) && parseRef(`t/${idOfIndexMember(text)}`) !== null;
}
