import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/*
 * A stored key is `hf_<id>_<secret>`. The id finds the key and may be shown; the secret is 256 random bits, so that a
 * plain digest of the key says nothing about it.
 */
const KEY_FORM = /^hf_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

/** The ids of stored keys. */
export const KEY_ID_PATTERN = /^[0-9a-f]{16}$/;

/** A new key: what is shown once, and what is stored. */
export interface NewKey {
  readonly id: string;
  readonly key: string;
  /** SHA-256 of the key, hex. */
  readonly digest: string;
}

/** Makes a key. */
export function newKey(random: (bytes: number) => Buffer = randomBytes): NewKey {
  const id = random(8).toString('hex');
  const key = `hf_${id}_${random(32).toString('base64url')}`;
  return { id, key, digest: keyDigest(key).toString('hex') };
}

/** The id in a text that has the form of a stored key; null for any other text. */
export const idOfKey = (text: string): string | null => KEY_FORM.exec(text)?.[1] ?? null;

/** What is stored of a key, and compared. */
export const keyDigest = (key: string): Buffer => createHash('sha256').update(key).digest();

/** Whether a key has this digest; compared in constant time. */
export const hasDigest = (key: string, digest: Buffer): boolean => timingSafeEqual(keyDigest(key), digest);
