import type { Readable } from 'node:stream';

/** What was stored. */
export interface StoredBlob {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Where files are kept that are too large for Redis. Keys are made by {@link checkedKey}'s rule, never by clients. */
export interface BlobStore {
  /**
   * Stores what the source gives, when it has given all: a put that fails leaves nothing, and an older blob of the key
   * as it was.
   *
   * @throws BlobStoreError, or the error of the source.
   */
  put(key: string, source: Readable): Promise<StoredBlob>;
  /**
   * The content of a blob. The stream ends with a {@link BlobDamagedError} if it is not what was put.
   *
   * @throws BlobNotFoundError, BlobStoreError
   */
  get(key: string): Promise<Readable>;
  /** Removes a blob; a missing one is removed already. @throws BlobStoreError */
  delete(key: string): Promise<void>;
  /** Closes connections. */
  close(): void;
}

/** Thrown for a key that has no blob. */
export class BlobNotFoundError extends Error {
  constructor(key: string, options?: ErrorOptions) {
    super(`there is no blob ${key}`, options);
    this.name = 'BlobNotFoundError';
  }
}

/** Thrown when a store fails. */
export class BlobStoreError extends Error {
  /** Whether the same call may succeed later. */
  readonly isTemporary: boolean;

  constructor(message: string, { isTemporary, cause }: { isTemporary: boolean; cause?: unknown }) {
    super(message, { cause });
    this.name = 'BlobStoreError';
    this.isTemporary = isTemporary;
  }
}

/** A blob that is not what was put. */
export class BlobDamagedError extends BlobStoreError {
  constructor(key: string) {
    super(`the blob ${key} is damaged`, { isTemporary: false });
    this.name = 'BlobDamagedError';
  }
}

const KEY = /^[a-z0-9_-]{1,200}(?:\/[a-z0-9_-]{1,200}){0,7}$/;

/**
 * A key as it is, if it is one: names of small letters, digits, `_` and `-` with `/` between them. As a path it stays
 * in its folder, and has no name that stores use for themselves.
 *
 * @throws RangeError
 */
export function checkedKey(key: string): string {
  if (!KEY.test(key)) throw new RangeError(`${JSON.stringify(key)} is no key of a blob`);
  return key;
}
