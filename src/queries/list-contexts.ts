import { contextRefOf } from '../core/ids';
import type { ContextIndex, ContextPageRequest } from '../store/contexts/context-index';
import type { ContextRecord } from '../store/contexts/context-record';
import type { ContextStore } from '../store/contexts/context-store';

/** What to list. */
export interface ListContextsRequest extends ContextPageRequest {
  /** Only the context of this name; null: any. Other filters do not apply then. */
  readonly name: string | null;
}

/** One page of contexts, newest first. */
export interface ContextPage {
  readonly contexts: readonly ContextRecord[];
  /** Cursor of the next page; null: this was the last. */
  readonly nextCursor: string | null;
}

/** Lists a tenant's contexts. */
export type ListContexts = (request: ListContextsRequest) => Promise<ContextPage>;

/** Dependencies of {@link listContexts}. */
export interface ListContextsParts {
  readonly contexts: Pick<ContextStore, 'find' | 'idOfName'>;
  readonly contextIndex: Pick<ContextIndex, 'page'>;
}

/**
 * A page may hold fewer contexts than asked for and still have a next page: contexts that are deleted between the reads
 * of index and rows are left out, and Redis looks at a bounded number of contexts for each page.
 *
 * @throws what Redis throws while it is away.
 */
export function listContexts({ contexts, contextIndex }: ListContextsParts): ListContexts {
  return async ({ name, ...request }) => {
    const { refs, nextCursor } =
      name === null ? await contextIndex.page(request) : await named(request.tenant, name);
    const found = await Promise.all(refs.map(ref => contexts.find(ref)));
    return { contexts: found.filter(context => context !== null), nextCursor };
  };

  async function named(tenant: string, name: string): ReturnType<ContextIndex['page']> {
    const id = await contexts.idOfName(tenant, name);
    return { refs: id === null ? [] : [contextRefOf(tenant, id)], nextCursor: null };
  }
}
