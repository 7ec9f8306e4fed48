import { pipeline, type Readable } from 'node:stream';
import { BlobDamagedError, BlobNotFoundError, type BlobStore } from '../blobs/blob-store';
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
 * @throws BlobNotFoundError, what the storage throws while it is away; the stream fails with a BlobDamagedError if the
 *   blob was changed, with an UnsealError if it belongs to another tenant or version.
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

/**
 * Why a version can never be read again, in words for clients; null if it can. Where its blob is stored is nobody's
 * business.
 */
export function damageOf(error: unknown): string | null {
  if (error instanceof BlobNotFoundError) return 'its file is missing';
  if (error instanceof BlobDamagedError) return 'its file was changed';
  return error instanceof BadArchiveError || error instanceof UnsealError ? error.message : null;
}
