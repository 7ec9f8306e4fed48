import { pipeline, type Readable } from 'node:stream';
import { BlobNotFoundError, type BlobStore } from '../blobs/blob-store';
import { UnsealError } from '../core/sealed';
import { TenantKey, unsealStream } from '../core/sealed-stream';
import { BadArchiveError } from '../profiles/archive-errors';
import type { ContextVersion } from '../store/contexts/context-record';

/** Dependencies of {@link openVersion}. */
export interface OpenVersionParts {
  readonly blobs: Pick<BlobStore, 'get'>;
  /** The installation's secret. */
  readonly secret: string;
}

/**
 * The archive of a version, decrypted. What comes out was checked; that nothing is missing is known at its end.
 *
 * @throws BlobNotFoundError, what the storage throws while it is away; the stream fails with an UnsealError if the blob
 *   was changed, or belongs to another tenant.
 */
export async function openVersion(
  { blobs, secret }: OpenVersionParts,
  tenant: string,
  { blobKey }: Pick<ContextVersion, 'blobKey'>,
): Promise<Readable> {
  const unsealed = unsealStream(new TenantKey(secret, tenant), blobKey);
  // The reader gets the error of either stream.
  return pipeline(await blobs.get(blobKey), unsealed, () => undefined);
}

/** Whether a version can never be read again: its blob is missing, damaged or foreign. */
export const isDamaged = (error: unknown): boolean =>
  error instanceof BadArchiveError || error instanceof UnsealError || error instanceof BlobNotFoundError;
