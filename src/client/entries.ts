import { queryOf, splitRequest, type RequestOptions, type Transport } from './transport';

/**
 * All entries of a list, in its order; pages are requested as they are needed.
 *
 * @param member - the member of a page that has its entries
 */
export async function* entriesOf<Entry>(
  transport: Transport,
  path: string,
  member: string,
  options: RequestOptions,
): AsyncGenerator<Entry, void, undefined> {
  const [request, filters] = splitRequest(options);
  for (let cursor: string | undefined; ;) {
    const query = queryOf({ ...filters, cursor });
    const { body } = await transport.send({ ...request, method: 'GET', path: `${path}${query}` });
    // SAFETY: a 2xx of a list carries a page.
    const page = body as { readonly [name: string]: unknown; readonly nextCursor: string | null };
    // SAFETY: as above; the caller names the member and the type of its entries.
    yield* page[member] as readonly Entry[];
    if (page.nextCursor === null) return;
    cursor = page.nextCursor;
  }
}
