import { BlobStoreError } from '../blobs/blob-store';
import { ServiceError } from '../core/errors';
import { parseRef, type ContextRef } from '../core/ids';
import { versionNotFound } from '../engine/context-errors';
import { damageOf, openVersion, type OpenVersionParts } from '../engine/version-reader';
import { archiveLimits } from '../profiles/archive-limits';
import { readArchiveHead } from '../profiles/archive-head';
import { toStorageState, type StorageState } from '../profiles/storage-state';
import type { ContextVersions } from '../store/contexts/context-versions';
import type { GetContext } from './get-context';

/**
 * Reads cookies and local storage of a version of a context (default: the current one), as Playwright's `storageState`.
 */
export type GetStorageState = (ref: ContextRef, version?: number) => Promise<StorageState>;

/** Dependencies of {@link getStorageState}. */
export interface GetStorageStateParts extends OpenVersionParts {
  readonly getContext: GetContext;
  readonly contextVersions: Pick<ContextVersions, 'find'>;
  /** `HOLDFAST_CONTEXT_MAX_BYTES` */
  readonly maxBytes: number;
}

const EMPTY: StorageState = { cookies: [], origins: [] };

/**
 * Local storage is that of the origins which were open at the save.
 *
 * @throws ServiceError `context_not_found`, `context_version_not_found`; `storage_state_unknown` if the browser was
 *   closed by its client, before its state was read; `context_failed` for a damaged version; `storage_unavailable`; what Redis throws while it is away.
 */
export function getStorageState(parts: GetStorageStateParts): GetStorageState {
  const limits = archiveLimits(parts.maxBytes);
  return async (ref, asked) => {
    const { currentVersion } = await parts.getContext(ref);
    const wanted = asked ?? currentVersion;
    if (wanted === 0) return EMPTY;
    const version = await parts.contextVersions.find(ref, wanted);
    if (version === null) throw versionNotFound();
    try {
      const archive = await openVersion(parts, parseRef(ref)?.tenant ?? '', version);
      const { manifest, state } = await readArchiveHead(archive, limits);
      if (manifest.stateWasRead) return toStorageState(state);
    } catch (error) {
      throw readError(error);
    }
    const message =
      'The cookies of the browser could not be read before its end. Sync before ending the session.';
    throw new ServiceError('storage_state_unknown', message);
  };
}

function readError(error: unknown): unknown {
  if (damageOf(error) !== null)
    return new ServiceError('context_failed', 'The version of the context is damaged.', { cause: error });
  if (error instanceof BlobStoreError)
    return new ServiceError('storage_unavailable', 'The storage does not answer.', { cause: error });
  return error;
}
