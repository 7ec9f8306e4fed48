import { BlobStoreError } from '../blobs/blob-store';
import type { BrowserState } from '../core/browser-state';
import { ServiceError, type ErrorCode } from '../core/errors';
import { parseRef, type ContextRef } from '../core/ids';
import { contextNotFound } from '../engine/context-errors';
import type { VersionMaker } from '../engine/version-maker';
import type { ContextRecord } from '../store/contexts/context-record';
import type { ContextStore } from '../store/contexts/context-store';
import { operationId } from './operation-id';

/** A request to make a version out of cookies and local storage alone. */
export interface ImportStorageStateRequest {
  readonly ref: ContextRef;
  readonly state: BrowserState;
  /** The caller's key of this request, equal for its retries; null: every call is an operation of its own. */
  readonly requestKey: string | null;
}

/** Imports a state; answers the context with its new current version. */
export type ImportStorageState = (request: ImportStorageStateRequest) => Promise<ContextRecord>;

/** Dependencies of {@link importStorageState}. */
export interface ImportStorageStateParts {
  readonly contexts: Pick<ContextStore, 'find'>;
  readonly versionMaker: Pick<VersionMaker, 'make'>;
}

/**
 * The new version has nothing else than the state: what the current one has beside it is in that version only.
 *
 * @throws ServiceError `context_not_found`, `contexts_quota_exceeded`, `context_too_large`, `storage_unavailable`; what
 *   Redis throws while it is away.
 */
export function importStorageState({ contexts, versionMaker }: ImportStorageStateParts): ImportStorageState {
  const find = async (ref: ContextRef): Promise<ContextRecord> => {
    const record = await contexts.find(ref);
    if (record === null) throw contextNotFound();
    return record;
  };
  return async ({ ref, state, requestKey }) => {
    const { id, currentVersion } = await find(ref);
    const { problem } = await versionMaker
      .make({
        tenant: parseRef(ref)?.tenant ?? '',
        contextId: id,
        onConflict: 'replace',
        sessionId: null,
        saveId: operationId('import', requestKey, [ref, requestKey, state]),
        source: 'import',
        dir: null,
        state,
        baseVersion: currentVersion,
        endedCleanly: false,
      })
      .catch((error: unknown) => {
        if (!(error instanceof BlobStoreError)) throw error;
        throw new ServiceError('storage_unavailable', 'The storage does not answer.', { cause: error });
      });
    if (problem !== null) {
      // SAFETY: `VersionMaker` gives codes of the catalogue.
      throw new ServiceError(problem.code as ErrorCode, `${problem.message}.`);
    }
    return find(ref);
  };
}
