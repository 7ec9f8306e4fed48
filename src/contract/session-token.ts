import { createHmac, timingSafeEqual } from 'node:crypto';
import { TENANT_PATTERN } from '../config/tenants';
import { parseRef, refOf, type SessionRef } from '../core/ids';

/** What the holder of a token may do with its session, without an API key. */
export type TokenUse = 'connect' | 'view';

/*
 * What is signed begins with the use, so that a token for one use is worth nothing for another. The reference of a
 * session has one slash and no colon.
 */
const PREFIXES: Readonly<Record<TokenUse, string>> = { connect: '', view: 'view:' };

/**
 * The token of one session for one use: `<tenant>.<base64url HMAC-SHA256(secret, prefix + ref)>`. It stays the same
 * until it is rotated; then the number of rotations is in it, too:
 * `<tenant>.<generation>.<HMAC(…, prefix + generation:ref)>`. It contains the tenant because ids are unique within a
 * tenant only.
 *
 * @param secret - the installation's secret
 * @param generation - how often it was rotated
 */
export function sessionToken(secret: string, use: TokenUse, ref: SessionRef, generation = 0): string {
  const signed = signature(secret, use, ref, generation).toString('base64url');
  const parts = [parseRef(ref)?.tenant ?? '', ...(generation === 0 ? [] : [generation]), signed];
  return parts.join('.');
}

/** What a token opens. */
export interface TokenGrant {
  readonly ref: SessionRef;
  /** Counts only while the session's token has this generation. */
  readonly generation: number;
}

/**
 * What a token opens, if it is for this use and the given id; null for any other token. Compared in constant time.
 */
export function grantOfSessionToken(
  secret: string,
  use: TokenUse,
  id: string,
  token: string,
): TokenGrant | null {
  const [, tenant = '', rotated, signed = ''] = TOKEN_FORM.exec(token) ?? [];
  if (!TENANT_PATTERN.test(tenant)) return null;
  const ref = refOf(tenant, id);
  const generation = Number(rotated ?? 0);
  const given = Buffer.from(signed, 'base64url');
  const expected = signature(secret, use, ref, generation);
  return given.length === expected.length && timingSafeEqual(given, expected) ? { ref, generation } : null;
}

const TOKEN_FORM = /^([^.]*)\.(?:([1-9]\d{0,8})\.)?([^.]*)$/;

const signature = (secret: string, use: TokenUse, ref: SessionRef, generation: number): Buffer =>
  createHmac('sha256', secret)
    .update(PREFIXES[use] + (generation === 0 ? '' : `${generation}:`) + ref)
    .digest();
