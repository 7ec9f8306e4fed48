import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The credential for one browser at a keeper's gateway: HMAC-SHA256 over the claim, hexadecimal. It is valid as long as
 * the claim, so a ticket for an earlier owner's claim is refused.
 *
 * @param secret - the installation's secret; keepers get it at registration
 */
export function keeperTicket(secret: string, claimId: string): string {
  return createHmac('sha256', secret).update(`keeper-ticket:${claimId}`).digest('hex');
}

/** Whether `ticket` is the one for this claim; compared in constant time. */
export function isKeeperTicket(secret: string, claimId: string, ticket: string): boolean {
  const expected = Buffer.from(keeperTicket(secret, claimId));
  const given = Buffer.from(ticket);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Header of a connection that the service itself opens, not a client; its value is a {@link CallPurpose}. */
export const KEEPER_CALL_HEADER = 'x-holdfast-call';

/**
 * A browser is woken for its use, and stays awake meanwhile. A look is refused while it sleeps, and does not put its
 * sleep off.
 */
export type CallPurpose = 'use' | 'look';

/**
 * Path and query at a keeper's gateway.
 *
 * @param part - the path of a part of the browser, beginning with a slash; empty: the browser's own WebSocket
 */
export function keeperPath(secret: string, claimId: string, part = ''): string {
  return `/browser/${claimId}${part}?ticket=${keeperTicket(secret, claimId)}`;
}

/** Path and query of a request for a browser's downloads or uploads: for the list, or for one of them by name. */
export function keeperFilesPath(
  secret: string,
  claimId: string,
  kind: 'downloads' | 'uploads',
  name: string | null,
): string {
  const which = name === null ? '' : `/${encodeURIComponent(name)}`;
  return keeperPath(secret, claimId, `/${kind}${which}`);
}

/** Path and query of a request for what has gone through a browser's forward proxy. */
export const keeperTrafficPath = (secret: string, claimId: string): string =>
  keeperPath(secret, claimId, '/traffic');
