import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseRef, refOf, TENANT_PATTERN, type SessionRef } from '../core/ids';

/** What the holder of a token may do with its session, without an API key. */
export type TokenUse = 'connect' | 'view';

/*
 * What is signed begins with the use, so that a token for one use is worth nothing for another. The reference of a
 * session has one slash and no colon.
 */
const PREFIXES: Readonly<Record<TokenUse, string>> = { connect: '', view: 'view:' };

/**
 * The token of one session for one use: `<tenant>.<base64url HMAC-SHA256(secret, prefix + ref)>`. It stays the same for
 * as long as the session exists. It contains the tenant because ids are unique within a tenant only.
 *
 * @param secret - the installation's secret
 */
export function sessionToken(secret: string, use: TokenUse, ref: SessionRef): string {
  return `${parseRef(ref)?.tenant ?? ''}.${signature(secret, use, ref).toString('base64url')}`;
}

/**
 * The session of a token, if the token is for this use and the given id; null for any other token. Compared in constant
 * time.
 */
export function refOfSessionToken(
  secret: string,
  use: TokenUse,
  id: string,
  token: string,
): SessionRef | null {
  const dot = token.indexOf('.');
  const tenant = token.slice(0, Math.max(0, dot));
  if (!TENANT_PATTERN.test(tenant)) return null;
  const ref = refOf(tenant, id);
  const given = Buffer.from(token.slice(dot + 1), 'base64url');
  const expected = signature(secret, use, ref);
  return given.length === expected.length && timingSafeEqual(given, expected) ? ref : null;
}

const signature = (secret: string, use: TokenUse, ref: SessionRef): Buffer =>
  createHmac('sha256', secret)
    .update(PREFIXES[use] + ref)
    .digest();
