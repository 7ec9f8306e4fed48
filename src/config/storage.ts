import { resolve } from 'node:path';

/** Where blobs are kept. */
export type StorageConfig = FolderStorage | S3Storage;

/** A folder of this machine, or one that all machines have mounted. */
export interface FolderStorage {
  readonly kind: 'folder';
  readonly dir: string;
}

/** A bucket of an S3-compatible store. */
export interface S3Storage {
  readonly kind: 's3';
  readonly bucket: string;
  /** What all keys begin with; empty, or it ends with `/`. */
  readonly prefix: string;
  /** null: that of AWS for the region. */
  readonly endpoint: string | null;
  readonly region: string;
  /** Whether the bucket is in the path of URLs, not in the name of the host. */
  readonly isPathStyle: boolean;
  /** null: where the SDK of AWS finds them (its variables, its files, the role of the machine). Never log this. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
}

/** The settings that storage depends on, each checked by itself. */
export interface StorageSettings {
  readonly HOLDFAST_STORAGE?: string | undefined;
  readonly HOLDFAST_S3_ENDPOINT?: string | undefined;
  readonly HOLDFAST_S3_REGION: string;
  readonly HOLDFAST_S3_PATH_STYLE?: boolean | undefined;
  readonly HOLDFAST_S3_ACCESS_KEY_ID?: string | undefined;
  readonly HOLDFAST_S3_SECRET_ACCESS_KEY?: string | undefined;
}

const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w./=-]*))?$/;

/** The storage that settings describe, and what is wrong with them. */
export function storageConfig(
  settings: StorageSettings,
  defaultDir: string,
): { storage: StorageConfig; problems: string[] } {
  const {
    HOLDFAST_STORAGE: storage,
    HOLDFAST_S3_ENDPOINT: endpoint,
    HOLDFAST_S3_ACCESS_KEY_ID: accessKeyId,
    HOLDFAST_S3_SECRET_ACCESS_KEY: secretAccessKey,
  } = settings;
  if (!storage?.includes('://'))
    return { storage: { kind: 'folder', dir: resolve(storage ?? defaultDir) }, problems: [] };
  const problems: string[] = [];
  const [, bucket, path = ''] = S3_URL.exec(storage) ?? [];
  if (bucket === undefined) problems.push('HOLDFAST_STORAGE: must be a folder or s3://bucket/prefix');
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    problems.push('HOLDFAST_S3_ACCESS_KEY_ID: needs HOLDFAST_S3_SECRET_ACCESS_KEY, and the other way round');
  const prefix = path.split('/').filter(part => part !== '');
  return {
    storage: {
      kind: 's3',
      bucket: bucket ?? '',
      prefix: prefix.map(part => `${part}/`).join(''),
      endpoint: endpoint ?? null,
      region: settings.HOLDFAST_S3_REGION,
      // Stores of one's own rarely have a name for each bucket.
      isPathStyle: settings.HOLDFAST_S3_PATH_STYLE ?? endpoint !== undefined,
      credentials:
        accessKeyId === undefined || secretAccessKey === undefined ? null : { accessKeyId, secretAccessKey },
    },
    problems,
  };
}
