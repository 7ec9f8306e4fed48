import type { SessionRef } from '../core/ids';
import { refOfSessionToken, sessionToken } from './session-token';

/**
 * The token for the WebSocket of one session, without an API key.
 *
 * @param secret - the installation's secret
 */
export function connectToken(secret: string, ref: SessionRef): string {
  return sessionToken(secret, 'connect', ref);
}

/** The session of a connect token, if the token is for the given id; null for any other token. */
export function refOfToken(secret: string, id: string, token: string): SessionRef | null {
  return refOfSessionToken(secret, 'connect', id, token);
}
