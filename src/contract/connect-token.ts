import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseRef, refOf, TENANT_PATTERN, type SessionRef } from '../core/ids';

/**
 * The token for the WebSocket of one session, without an API key: `<tenant>.<base64url HMAC-SHA256(secret, ref)>`. It
 * stays the same for as long as the session exists. It contains the tenant because ids are unique within a tenant only.
 *
 * @param secret - the installation's secret
 */
export function connectToken(secret: string, ref: SessionRef): string {
  return `${parseRef(ref)?.tenant ?? ''}.${signature(secret, ref).toString('base64url')}`;
}

/** The session of a token, if the token is for the given id; null for any other token. Compared in constant time. */
export function refOfToken(secret: string, id: string, token: string): SessionRef | null {
  const dot = token.indexOf('.');
  const tenant = token.slice(0, Math.max(0, dot));
  if (!TENANT_PATTERN.test(tenant)) return null;
  const ref = refOf(tenant, id);
  const given = Buffer.from(token.slice(dot + 1), 'base64url');
  const expected = signature(secret, ref);
  return given.length === expected.length && timingSafeEqual(given, expected) ? ref : null;
}

const signature = (secret: string, ref: SessionRef): Buffer =>
  createHmac('sha256', secret).update(ref).digest();
