import type { SessionRef } from '../core/ids';
import { grantOfSessionToken, sessionToken } from './session-token';

/**
 * The token for looking at one session, without an API key. It does not open the session's WebSocket.
 *
 * @param secret - the installation's secret
 */
export function viewerToken(secret: string, ref: SessionRef): string {
  return sessionToken(secret, 'view', ref);
}

/** The session of a viewer token, if the token is for the given id; null for any other token. */
export function refOfViewerToken(secret: string, id: string, token: string): SessionRef | null {
  const grant = grantOfSessionToken(secret, 'view', id, token);
  // It is never rotated.
  return grant?.generation === 0 ? grant.ref : null;
}
