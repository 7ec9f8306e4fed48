import type { ContextRef } from '../core/ids';
import { contextNotFound } from '../engine/context-errors';
import type { ContextRecord, ContextVersion } from '../store/contexts/context-record';
import type { ContextStore } from '../store/contexts/context-store';
import type { ContextVersions } from '../store/contexts/context-versions';

/** A context as it is answered to those above. */
export type FoundContext = ContextRecord;

/** Reads one context. */
export type GetContext = (ref: ContextRef) => Promise<FoundContext>;

/** @throws ServiceError `context_not_found`; what Redis throws while it is away. */
export function getContext(contexts: Pick<ContextStore, 'find'>): GetContext {
  return async ref => {
    const found = await contexts.find(ref);
    if (found === null) throw contextNotFound();
    return found;
  };
}

/** A context with its kept versions, the newest first. */
export interface VersionedContext {
  readonly record: ContextRecord;
  readonly versions: readonly ContextVersion[];
}

/** Reads the versions of a context. */
export type ListVersions = (ref: ContextRef) => Promise<VersionedContext>;

/** Dependencies of {@link listVersions}. */
export interface ListVersionsParts {
  readonly getContext: GetContext;
  readonly contextVersions: Pick<ContextVersions, 'all'>;
}

/** @throws ServiceError `context_not_found`; what Redis throws while it is away. */
export function listVersions(parts: ListVersionsParts): ListVersions {
  return async ref => {
    const [record, versions] = await Promise.all([parts.getContext(ref), parts.contextVersions.all(ref)]);
    return { record, versions };
  };
}
