import { parseRef } from '../core/ids';
import { idOfIndexMember, indexMember } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';

/* Pages of an index of a tenant's sessions or contexts. */

/**
 * How many lookups one page may cost Redis, about: a filter that matches nothing then blocks Redis for a few
 * milliseconds only.
 */
const PAGE_BUDGET = 5_000;

/** Sets a member must be in one of, or, if not `wanted`, in none of. */
export interface Filter {
  readonly wanted: boolean;
  readonly sets: readonly string[];
}

/** What to read of an index. */
export interface MemberPageRequest {
  /** The key of the whole index. */
  readonly all: string;
  readonly filters: readonly Filter[];
  /** Exclusive, epoch milliseconds. */
  readonly createdAfterMs: number | null;
  /** Exclusive, epoch milliseconds. */
  readonly createdBeforeMs: number | null;
  /** The `nextCursor` of the page before; null for the newest. */
  readonly cursor: string | null;
  readonly limit: number;
}

/** One page: ids newest first, and where the next one starts (null: that was all). */
export interface MemberPage {
  readonly ids: readonly string[];
  readonly nextCursor: string | null;
}

/** Reads one page. May be shorter than `limit`, even empty, and still have a next page. */
export async function pageOfMembers(scripts: ScriptRunner, request: MemberPageRequest): Promise<MemberPage> {
  const { all, filters, createdAfterMs, createdBeforeMs, cursor, limit } = request;
  const reply = await scripts.run(
    'pageMembers',
    [all, ...filters.flatMap(({ sets }) => sets)],
    [
      lowest(cursor, memberTime(createdBeforeMs)) ?? '',
      memberTime(createdAfterMs === null ? null : createdAfterMs + 1) ?? '',
      limit,
      PAGE_BUDGET,
      ...filters.map(({ wanted, sets }) => (wanted ? sets.length : -sets.length)),
    ],
  );
  // SAFETY: the script answers with an array of strings, the first being the cursor.
  const [next = '', ...members] = reply as string[];
  return { ids: members.map(idOfIndexMember), nextCursor: next === '' ? null : next };
}

/* The prefix of index members created at a time; times before 1970 count as 0. */
const memberTime = (ms: number | null): string | null =>
  ms === null ? null : indexMember(Math.max(0, ms), '');

function lowest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

/** Whether a cursor could have come from {@link pageOfMembers}. */
export function isCursor(text: string): boolean {
  return /^[0-9a-f]{12}/.test(text) && parseRef(`t/${idOfIndexMember(text)}`) !== null;
}
