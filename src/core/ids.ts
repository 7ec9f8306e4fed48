import { randomBytes } from 'node:crypto';
import { TENANT_PATTERN } from '../config/tenants';

/**
 * Names a session across the installation: `<tenant>/<id>`. Rows, indexes and jobs use it, so that one tenant's
 * id can never name another's session.
 */
export type SessionRef = string & { readonly __brand: 'SessionRef' };

/** Names a context across the installation: `<tenant>/<id>`. */
export type ContextRef = string & { readonly __brand: 'ContextRef' };

/** The ids of contexts: `ctx_` and a UUIDv7. */
export const CONTEXT_ID_PATTERN = /^ctx_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The ids that clients may choose for a session. */
export const SESSION_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

/** Joins tenant and id. */
export function refOf(tenant: string, id: string): SessionRef {
  // SAFETY: this is the one place a reference is made from its parts.
  return `${tenant}/${id}` as SessionRef;
}

/** Joins tenant and id of a context. */
export function contextRefOf(tenant: string, id: string): ContextRef {
  // SAFETY: this is the one place a reference to a context is made from its parts.
  return `${tenant}/${id}` as ContextRef;
}

/** An id for a new context. */
export const newContextId = (nowMs: number): string => `ctx_${uuidv7(nowMs)}`;

/** Splits a reference; null for anything that is not one. */
export function parseRef(text: string): { tenant: string; id: string } | null {
  const slash = text.indexOf('/');
  const tenant = text.slice(0, slash);
  const id = text.slice(slash + 1);
  return slash > 0 && TENANT_PATTERN.test(tenant) && SESSION_ID_PATTERN.test(id) ? { tenant, id } : null;
}

/* How much is asked of the system's random generator at a time: one id costs it as much as two hundred. */
const RANDOM_POOL_BYTES = 2_048;

let pool = Buffer.alloc(0);
let poolUsed = 0;

/* Random bytes that nobody else gets. */
function freshRandom(bytes: number): Buffer {
  if (poolUsed + bytes > pool.length) [pool, poolUsed] = [randomBytes(RANDOM_POOL_BYTES), 0];
  poolUsed += bytes;
  return pool.subarray(poolUsed - bytes, poolUsed);
}

/**
 * A UUIDv7 (RFC 9562): sorts by time of creation.
 *
 * @param nowMs - epoch milliseconds that become the first 48 bits
 * @param random - ten random bytes; passed in by tests
 */
export function uuidv7(nowMs: number, random: Uint8Array = freshRandom(10)): string {
  const time = Math.floor(nowMs).toString(16).padStart(12, '0').slice(-12);
  const bytes = Buffer.from(random);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x0f) | 0x70, 0);
  bytes.writeUInt8((bytes.readUInt8(2) & 0x3f) | 0x80, 2);
  const hex = time + bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}

/** When a UUIDv7 was made, epoch milliseconds; null for another text. */
export function createdAtOfUuidv7(id: string): number | null {
  const [, high, low] =
    /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.exec(id) ?? [];
  return high === undefined || low === undefined ? null : parseInt(high + low, 16);
}

/** A fresh random id for claims, commands and processes: 96 bits, URL-safe. */
export function randomId(): string {
  return freshRandom(12).toString('base64url');
}
