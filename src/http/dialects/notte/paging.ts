import { z } from 'zod';
import { invalidFields } from '../../../core/check-fields';

/** How many items may be in front of a page: the lists of the service are by cursor, so that they are read as well. */
const SKIPPED_MAX = 1_000;

/** The largest page of the service's own lists. */
const READ_AT_ONCE_MAX = 100;

/** How often the list is read for one page at most: each time Redis looks at a bounded number of entries. */
const READS_MAX = 40;

/** A page by number, as Notte's clients ask for it. */
export interface PageNumber {
  /** From 1. */
  readonly page: number;
  readonly page_size: number;
}

/** A page of a list in Notte's form. */
export interface NottePage<T> extends PageNumber {
  readonly items: readonly T[];
  readonly has_next: boolean;
  readonly has_previous: boolean;
}

/** Reads a part of a list from a cursor on; null: from the start. */
export type ReadPart<T> = (
  cursor: string | null,
  limit: number,
) => Promise<{ readonly items: readonly T[]; readonly nextCursor: string | null }>;

const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number);

/** A boolean of a query, in any case: Python writes `True`. */
export const queryFlag = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['true', 'false', '1', '0'], 'must be true or false'))
  .transform(word => word === 'true' || word === '1');

/** The fields of a query that ask for a page. */
export const pageFields = (pageSize: number) =>
  ({
    page: wholeNumber.pipe(z.int().min(1)).default(1),
    page_size: wholeNumber.pipe(z.int().min(1).max(READ_AT_ONCE_MAX)).default(pageSize),
  }) as const;

/**
 * A page by its number of a list that has cursors: reads what is in front of it, and one item more than it has.
 *
 * @throws ServiceError `invalid_request` for a page behind the first {@link SKIPPED_MAX} items.
 */
export async function numberedPage<T>(
  { page, page_size: pageSize }: PageNumber,
  read: ReadPart<T>,
): Promise<NottePage<T>> {
  const skipped = (page - 1) * pageSize;
  if (skipped > SKIPPED_MAX) {
    const message = `must be a page of the first ${SKIPPED_MAX} items`;
    throw invalidFields([{ pointer: 'query/page', message }]);
  }
  const wanted = skipped + pageSize + 1;
  const found: T[] = [];
  let cursor: string | null = null;
  for (let reads = 0; reads < READS_MAX && found.length < wanted; reads += 1) {
    const part = await read(cursor, Math.min(READ_AT_ONCE_MAX, wanted - found.length));
    found.push(...part.items);
    cursor = part.nextCursor;
    if (cursor === null) break;
  }
  return {
    items: found.slice(skipped, skipped + pageSize),
    ...{ page, page_size: pageSize },
    has_next: cursor !== null || found.length >= wanted,
    has_previous: page > 1,
  };
}
