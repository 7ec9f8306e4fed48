import { listQuery } from '../../../contract/schemas';
import type { PageMembers } from './envelope';
import { wrong, type Parameters } from './parameters';

/** What a native list answers. */
export interface NativePage<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Reads a page of a native list. */
export type ReadPage<T> = (cursor: string | null, limit: number) => Promise<NativePage<T>>;

const PAGE_DEFAULT = 10;
const PAGE_MAX = 100;

/** How many items behind a page are counted. */
const COUNTED_MAX = 1_000;

/** A native page may be empty and still have a next one; so many of them make one page here. */
const READS_MAX = 20;

/**
 * One page, full unless it is the last one. `NextToken` holds how many items came before, and the last of them: a
 * traversal misses no item and shows none twice while others come and go.
 *
 * @throws ServiceError `invalid_request`.
 */
export async function pageOf<T>(
  parameters: Parameters,
  read: ReadPage<T>,
): Promise<{ readonly items: readonly T[]; readonly page: PageMembers }> {
  const limit = parameters.integer('MaxResults', 1, PAGE_MAX) ?? PAGE_DEFAULT;
  const { seen, cursor } = placeOf(parameters);
  const { items, nextCursor } = await readFull(read, cursor, limit);
  const until = seen + items.length;
  const behind =
    nextCursor === null ? { items: [], nextCursor } : await readFull(read, nextCursor, COUNTED_MAX);
  // A cursor with nothing behind it: this page is the last one.
  const isLast = behind.items.length === 0 && behind.nextCursor === null;
  const next = nextCursor === null || isLast ? '' : `${until}.${nextCursor}`;
  return { items, page: { NextToken: next, MaxResults: limit, TotalCount: until + behind.items.length } };
}

async function readFull<T>(read: ReadPage<T>, from: string | null, limit: number): Promise<NativePage<T>> {
  const items: T[] = [];
  let cursor = from;
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const page = await read(cursor, Math.min(PAGE_MAX, limit - items.length));
    items.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null || items.length === limit) break;
  }
  return { items, nextCursor: cursor };
}

function placeOf(parameters: Parameters): { readonly seen: number; readonly cursor: string | null } {
  const token = parameters.text('NextToken');
  if (token === null) return { seen: 0, cursor: null };
  const [, seen, given] = /^(\d{1,9})\.(.+)$/s.exec(token) ?? [];
  const { success, data } = listQuery.shape.cursor.safeParse(given);
  if (!success || data === undefined) throw noToken();
  return { seen: Number(seen), cursor: data };
}

const noToken = (): Error => wrong('NextToken', 'is not one of this list');
