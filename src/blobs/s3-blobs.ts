import type { S3Client } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { S3Storage } from '../config/storage';
import { messageOf } from '../core/errors';
import { lazy } from '../core/lazy';
import { WatchedSource } from '../core/watched-source';
import { BlobNotFoundError, BlobStoreError, checkedKey, type BlobStore, type StoredBlob } from './blob-store';
import { DigestWriter, verified } from './digest';

/** What a put keeps in memory is twice this: one part is sent while the next is collected. */
const PART_BYTES = 8 * 2 ** 20;
const PARTS_AT_A_TIME = 1;

const CONNECT_TIMEOUT_MS = 5_000;
/** A connection on which nothing moves for so long is given up, in the middle of a blob too. */
const SILENCE_TIMEOUT_MS = 30_000;
/** How often a request is sent at most; the SDK waits between, up to 20 s. */
const ATTEMPTS_MAX = 3;

/** Blobs as objects of a bucket. The SDK takes 150 ms to load, so it is loaded when it is used first. */
export class S3Blobs implements BlobStore {
  readonly #client: () => Promise<S3Client>;
  #isOpen = false;

  constructor(
    private readonly storage: S3Storage,
    private readonly limits = { silenceMs: SILENCE_TIMEOUT_MS },
  ) {
    this.#client = lazy(() => this.#open());
  }

  async put(key: string, source: Readable): Promise<StoredBlob> {
    const object = this.#object(key);
    const digest = new DigestWriter();
    const input = new WatchedSource(source);
    pipeline(input.content, digest).catch(() => undefined); // the upload, which reads it, fails as well
    try {
      const { Upload } = await import('@aws-sdk/lib-storage');
      const upload = new Upload({
        client: await this.#client(),
        params: { ...object, Body: digest },
        partSize: PART_BYTES,
        queueSize: PARTS_AT_A_TIME,
        leavePartsOnError: false,
      });
      await upload.done();
      return digest.stored();
    } catch (error) {
      digest.destroy();
      throw input.failure ?? asStoreError(error);
    }
  }

  async get(key: string): Promise<Readable> {
    const object = this.#object(key);
    try {
      const { GetObjectCommand } = await import('@aws-sdk/client-s3');
      const { Body: body } = await (await this.#client()).send(new GetObjectCommand(object));
      if (!(body instanceof Readable)) throw new Error('the answer has no body');
      return verified(key, body, asStoreError);
    } catch (error) {
      throw isMissing(error) ? new BlobNotFoundError(key, { cause: error }) : asStoreError(error);
    }
  }

  async delete(key: string): Promise<void> {
    const object = this.#object(key);
    try {
      const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
      await (await this.#client()).send(new DeleteObjectCommand(object));
    } catch (error) {
      if (!isMissing(error)) throw asStoreError(error);
    }
  }

  close(): void {
    if (this.#isOpen) void this.#client().then(client => client.destroy());
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.storage.bucket, Key: this.storage.prefix + checkedKey(key) };
  }

  async #open(): Promise<S3Client> {
    this.#isOpen = true;
    const { endpoint, region, isPathStyle, credentials } = this.storage;
    const { S3Client: Client } = await import('@aws-sdk/client-s3');
    return new Client({
      region,
      forcePathStyle: isPathStyle,
      ...(endpoint === null ? {} : { endpoint }),
      ...(credentials === null ? {} : { credentials }),
      maxAttempts: ATTEMPTS_MAX,
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: this.limits.silenceMs },
      // Many S3-compatible stores do not know the newer checksums; blobs have one of their own.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }
}

interface S3Failure {
  readonly name?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const statusOf = (error: unknown): number | undefined =>
  // SAFETY: errors of the SDK have it, and all its parts are optional here.
  (error as S3Failure).$metadata?.httpStatusCode;

/* A missing bucket is answered with 404 too, and is no missing blob. */
function isMissing(error: unknown): boolean {
  // SAFETY: as above.
  return ['NoSuchKey', 'NotFound'].includes((error as S3Failure).name ?? '');
}

/* Without a status there was no answer: the network, or credentials that could not be found. */
function asStoreError(error: unknown): BlobStoreError {
  const status = statusOf(error);
  const isTemporary = status === undefined || status >= 500 || status === 408 || status === 429;
  return new BlobStoreError(`the store of the blobs: ${messageOf(error)}`, { isTemporary, cause: error });
}
