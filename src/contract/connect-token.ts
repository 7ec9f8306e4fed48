import type { SessionRef } from '../core/ids';
import { grantOfSessionToken, sessionToken, type TokenGrant } from './session-token';

/**
 * The token for the WebSocket of one session, without an API key.
 *
 * @param secret - the installation's secret
 * @param generation - how often it was rotated
 */
export function connectToken(secret: string, ref: SessionRef, generation: number): string {
  return sessionToken(secret, 'connect', ref, generation);
}

/** What a connect token opens, if it is for the given id; null for any other token. */
export function grantOfToken(secret: string, id: string, token: string): TokenGrant | null {
  return grantOfSessionToken(secret, 'connect', id, token);
}
