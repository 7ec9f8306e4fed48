import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** AES-256-GCM with the sizes of NIST SP 800-38D: a nonce of 96 bits, a tag of 128. */
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The purpose of this key; other uses of the installation's secret derive other keys. */
const KEY_INFO = 'holdfast:sealed:1';

/** Thrown for a text that was sealed with another secret or for another purpose, or was changed since. */
export class UnsealError extends Error {
  constructor(options?: ErrorOptions) {
    super('it was sealed with another secret or for another purpose, or it was changed', options);
    this.name = 'UnsealError';
  }
}

/**
 * Encrypts a text so that it can be stored in Redis: Base64url of nonce, ciphertext and tag. Equal texts give different
 * results.
 *
 * @param secret - the installation's secret; the key is derived from it (HKDF-SHA256)
 * @param boundTo - what the text belongs to; it is not stored, and {@link unseal} needs the same value
 */
export function seal(secret: string, boundTo: string, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keyOf(secret), nonce).setAAD(Buffer.from(boundTo));
  const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, encrypted, cipher.getAuthTag()]).toString('base64url');
}

/**
 * The text that {@link seal} was given.
 *
 * @throws UnsealError
 */
export function unseal(secret: string, boundTo: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new UnsealError();
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const encrypted = bytes.subarray(NONCE_BYTES, -TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, keyOf(secret), nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(boundTo))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(encrypted), decipher.final()]).toString('utf8');
  } catch (error) {
    throw new UnsealError({ cause: error });
  }
}

/* No salt, so that every process derives the same key. The secret is random, or long and chosen by the operator. */
function keyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', KEY_INFO, KEY_BYTES));
}
