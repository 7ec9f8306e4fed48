import { listQuery } from '../../../contract/schemas';
import type { PageMembers } from './envelope';
import { wrong, type Parameters } from './parameters';

/** What a native list answers. */
export interface NativePage<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** A native list. */
export interface NativeList<T> {
  readonly read: ReadPage<T>;
  /** How many there are from a cursor on, and whether these are all; left out: they are read to be counted. */
  readonly count?: (cursor: string) => Promise<{ readonly count: number; readonly isComplete: boolean }>;
}

/** Reads a page of a native list. */
export type ReadPage<T> = (cursor: string | null, limit: number) => Promise<NativePage<T>>;

const PAGE_DEFAULT = 10;
const PAGE_MAX = 100;

/** How many items behind a page are read to be counted. */
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
  list: NativeList<T>,
): Promise<{ readonly items: readonly T[]; readonly page: PageMembers }> {
  const limit = parameters.integer('MaxResults', 1, PAGE_MAX) ?? PAGE_DEFAULT;
  const { seen, cursor } = placeOf(parameters);
  const { items, nextCursor } = await readFull(list.read, cursor, limit);
  const until = seen + items.length;
  const behind = nextCursor === null ? NOTHING : await countFrom(list, nextCursor);
  // A cursor with nothing behind it: this page is the last one.
  const isLast = behind.count === 0 && behind.isComplete;
  const next = nextCursor === null || isLast ? '' : `${until}.${nextCursor}`;
  return { items, page: { NextToken: next, MaxResults: limit, TotalCount: until + behind.count } };
}

const NOTHING = { count: 0, isComplete: true } as const;

async function countFrom<T>(
  { read, count }: NativeList<T>,
  cursor: string,
): Promise<{ readonly count: number; readonly isComplete: boolean }> {
  if (count !== undefined) return count(cursor);
  const { items, nextCursor } = await readFull(read, cursor, COUNTED_MAX);
  return { count: items.length, isComplete: nextCursor === null };
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
