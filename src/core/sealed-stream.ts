import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { UnsealError } from './sealed';

/*
 * A sealed stream: header, then chunks of AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár:
 * Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015). The nonce of a chunk is its number and
 * whether it is the last one, so chunks cannot be left out, repeated or reordered, and the end cannot be cut off.
 *
 *   header  "HFS1", salt (32 bytes)
 *   chunk   ciphertext (64 KiB, the last one 0 … 64 KiB), tag (16 bytes)
 *   key     HKDF-SHA256(key of the tenant, salt), so no two streams share a key
 *   nonce   seven zeros, number of the chunk (32 bits), 1 if it is the last one, else 0
 *   AAD     what the stream belongs to
 */
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const COUNTER_OFFSET = 7;
const SALT_BYTES = 32;
const CHUNK_BYTES = 64 * 2 ** 10;
const MAGIC = Buffer.from('HFS1');
const HEADER_BYTES = MAGIC.length + SALT_BYTES;

const TENANT_INFO = 'holdfast:tenant-blobs:1:';
const STREAM_INFO = 'holdfast:sealed-stream:1';

/** The key for the blobs of one tenant, which opens nothing of another one. */
export class TenantKey {
  /** Never leaves the object: not in logs, not in JSON. */
  readonly #bytes: Buffer;

  /** @param secret - the installation's secret */
  constructor(secret: string, tenant: string) {
    this.#bytes = derive(secret, '', TENANT_INFO + tenant);
  }

  /** The key of the stream with this salt. */
  forStream(salt: Buffer): Buffer {
    return derive(this.#bytes, salt, STREAM_INFO);
  }
}

/**
 * Encrypts what flows through.
 *
 * @param boundTo - what the stream belongs to, such as the key of its blob; {@link unsealStream} needs the same value
 */
export function sealStream(key: TenantKey, boundTo: string): Transform {
  const salt = randomBytes(SALT_BYTES);
  const cipher = new ChunkCipher(key.forStream(salt), boundTo);
  const sealing = new ChunkTransform(CHUNK_BYTES, (chunk, isLast) => cipher.encrypt(chunk, isLast));
  sealing.push(Buffer.concat([MAGIC, salt]));
  return sealing;
}

/**
 * Decrypts what {@link sealStream} made. Every byte that comes out was checked, but that none is missing is known only
 * when the stream ends. So use nothing of it before that.
 *
 * The stream fails with an {@link UnsealError} if it was made with another key or for another purpose, was changed or
 * cut off.
 */
export function unsealStream(key: TenantKey, boundTo: string): Transform {
  let cipher: ChunkCipher | null = null;
  return new ChunkTransform(
    CHUNK_BYTES + TAG_BYTES,
    (chunk, isLast) => {
      if (cipher === null) throw new UnsealError();
      return cipher.decrypt(chunk, isLast);
    },
    {
      bytes: HEADER_BYTES,
      read: header => {
        if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw new UnsealError();
        cipher = new ChunkCipher(key.forStream(header.subarray(MAGIC.length)), boundTo);
      },
    },
  );
}

/* Cuts what flows through into a header and chunks of one size. The last chunk may be shorter, or empty. */
class ChunkTransform extends Transform {
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #headerBytes: number;

  constructor(
    private readonly chunkBytes: number,
    private readonly convert: (chunk: Buffer, isLast: boolean) => Buffer,
    private readonly header: { bytes: number; read: (header: Buffer) => void } | null = null,
  ) {
    super();
    this.#headerBytes = header?.bytes ?? 0;
  }

  override _transform(data: Buffer, _encoding: string, done: TransformCallback): void {
    this.#waiting.push(data);
    this.#waitingBytes += data.length;
    this.#attempt(done, () => {
      if (this.#headerBytes > 0 && this.#waitingBytes >= this.#headerBytes) {
        this.header?.read(this.#take(this.#headerBytes));
        this.#headerBytes = 0;
      }
      // More than a chunk, because a full chunk may be the last one.
      while (this.#headerBytes === 0 && this.#waitingBytes > this.chunkBytes) {
        this.push(this.convert(this.#take(this.chunkBytes), false));
      }
    });
  }

  override _flush(done: TransformCallback): void {
    this.#attempt(done, () => this.push(this.convert(this.#take(this.#waitingBytes), true)));
  }

  #take(bytes: number): Buffer {
    const all = this.#waiting.length === 1 ? this.#waiting[0] : undefined;
    const joined = all ?? Buffer.concat(this.#waiting);
    this.#waiting = [joined.subarray(bytes)];
    this.#waitingBytes -= bytes;
    return joined.subarray(0, bytes);
  }

  #attempt(done: TransformCallback, work: () => void): void {
    try {
      work();
    } catch (error) {
      // SAFETY: only node:crypto and this file throw here, and both throw errors.
      done(error as Error);
      return;
    }
    done();
  }
}

/* Encrypts or decrypts the chunks of one stream, in their order. */
class ChunkCipher {
  readonly #aad: Buffer;
  #number = 0;

  constructor(
    private readonly key: Buffer,
    boundTo: string,
  ) {
    this.#aad = Buffer.from(boundTo);
  }

  encrypt(chunk: Buffer, isLast: boolean): Buffer {
    const cipher = createCipheriv(CIPHER, this.key, this.#nextNonce(isLast)).setAAD(this.#aad);
    return Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
  }

  decrypt(chunk: Buffer, isLast: boolean): Buffer {
    if (chunk.length < TAG_BYTES) throw new UnsealError();
    const decipher = createDecipheriv(CIPHER, this.key, this.#nextNonce(isLast), { authTagLength: TAG_BYTES })
      .setAAD(this.#aad)
      .setAuthTag(chunk.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(chunk.subarray(0, -TAG_BYTES)), decipher.final()]);
    } catch (error) {
      throw new UnsealError({ cause: error });
    }
  }

  /* Throws a RangeError after 2^32 chunks, which are 256 TiB. */
  #nextNonce(isLast: boolean): Buffer {
    const nonce = Buffer.alloc(NONCE_BYTES);
    nonce.writeUInt32BE(this.#number, COUNTER_OFFSET);
    nonce.writeUInt8(isLast ? 1 : 0, NONCE_BYTES - 1);
    this.#number += 1;
    return nonce;
  }
}

function derive(secret: string | Buffer, salt: string | Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, KEY_BYTES));
}
