import type { ContextRef } from '../core/ids';
import { contextNotFound, otherRevision, versionNotFound } from '../engine/context-errors';
import type { Report } from '../metrics/report';
import type { ContextRecord } from '../store/contexts/context-record';
import type { ContextStore } from '../store/contexts/context-store';
import type { ContextVersions } from '../store/contexts/context-versions';
import { operationId } from './operation-id';

/** A request to make an older version of a context the current one. */
export interface RestoreVersionRequest {
  readonly ref: ContextRef;
  readonly version: number;
  /** Only if the context has this revision; null: any. */
  readonly ifRevision: number | null;
  /** The caller's key of this request, equal for its retries; null: every call is an operation of its own. */
  readonly requestKey: string | null;
}

/** Restores a version; answers the changed context. */
export type RestoreVersion = (request: RestoreVersionRequest) => Promise<ContextRecord>;

/** Dependencies of {@link restoreVersion}. */
export interface RestoreVersionParts {
  readonly contexts: Pick<ContextStore, 'find'>;
  readonly contextVersions: Pick<ContextVersions, 'restore'>;
  readonly report: Pick<Report, 'contextChanged'>;
}

/**
 * Restores versions of contexts. Live sessions keep what they have mounted; the next ones get the restored version.
 *
 * @throws ServiceError `context_not_found`, `context_version_not_found`, `precondition_failed`; what Redis throws while
 *   it is away.
 */
export function restoreVersion({ contexts, contextVersions, report }: RestoreVersionParts): RestoreVersion {
  return async ({ ref, version, ifRevision, requestKey }) => {
    const opId = operationId('restore', requestKey, [requestKey, ifRevision, version]);
    const answer = await contextVersions.restore(ref, version, { opId, ifRevision });
    if (answer === 'NO_VERSION') throw versionNotFound();
    if (answer === 'CONFLICT') throw otherRevision(ifRevision ?? 0);
    if (answer === 'OK') report.contextChanged('restored', ref, { version });
    const record = answer === 'MISSING' ? null : await contexts.find(ref);
    if (record === null) throw contextNotFound();
    return record;
  };
}
