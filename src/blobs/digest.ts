import { createHash } from 'node:crypto';
import { finished, Transform, type Readable } from 'node:stream';
import { BlobDamagedError, type StoredBlob } from './blob-store';

/*
 * A stored blob is its content and then the SHA-256 of it, so the two are always written, renamed and read together.
 */
const DIGEST_BYTES = 32;

/** Adds the digest behind what flows through. */
export class DigestWriter extends Transform {
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #digest: Buffer | null = null;

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, chunk: Buffer) => void): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    done(null, chunk);
  }

  override _flush(done: (error: null, chunk: Buffer) => void): void {
    this.#digest = this.#hash.digest();
    done(null, this.#digest);
  }

  /** What has flowed through. @throws before the end. */
  stored(): StoredBlob {
    if (this.#digest === null) throw new Error('the source has not ended');
    return { bytes: this.#bytes, sha256: this.#digest.toString('hex') };
  }
}

/**
 * The content of a stored blob. It ends with an error if it is not the content that was stored.
 *
 * @param explain - makes a failure of the store into what its readers know
 */
export function verified(key: string, stored: Readable, explain: (error: unknown) => Error): Readable {
  const content = new DigestReader(key);
  finished(stored, { writable: false }, error => {
    if (error) content.destroy(explain(error));
  });
  // A reader that goes away closes the file or connection.
  content.once('close', () => stored.destroy());
  return stored.pipe(content);
}

class DigestReader extends Transform {
  readonly #hash = createHash('sha256');
  #held = Buffer.alloc(0);

  constructor(private readonly key: string) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error: null) => void): void {
    const contentBytes = Math.max(0, this.#held.length + chunk.length - DIGEST_BYTES);
    const fromHeld = this.#held.subarray(0, contentBytes);
    const fromChunk = chunk.subarray(0, contentBytes - fromHeld.length);
    this.#held = Buffer.concat([this.#held.subarray(fromHeld.length), chunk.subarray(fromChunk.length)]);
    for (const content of [fromHeld, fromChunk]) {
      this.#hash.update(content);
      if (content.length > 0) this.push(content);
    }
    done(null);
  }

  override _flush(done: (error: Error | null) => void): void {
    const isRight = this.#hash.digest().equals(this.#held);
    done(isRight ? null : new BlobDamagedError(this.key));
  }
}
