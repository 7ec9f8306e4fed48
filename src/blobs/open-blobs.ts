import type { StorageConfig } from '../config/storage';
import type { Clock } from '../core/clock';
import type { BlobStore } from './blob-store';
import { FolderBlobs } from './folder-blobs';
import { S3Blobs } from './s3-blobs';

/** The store of the configuration. Nothing is opened or made before its first use. */
export function openBlobs({ storage }: { readonly storage: StorageConfig }, clock: Clock): BlobStore {
  return storage.kind === 'folder' ? new FolderBlobs(storage.dir, clock) : new S3Blobs(storage);
}
