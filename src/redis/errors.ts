/**
 * Replies of a server that is up but cannot serve: it loads, its disk or memory is full, it is no primary, it is stuck.
 * Redis 6.2 quotes those that a script got in its own error, behind a minus sign.
 */
const REFUSALS =
  /(?:^|: -)(LOADING|MISCONF|OOM|READONLY|MASTERDOWN|NOREPLICAS|BUSY|TRYAGAIN|CLUSTERDOWN|NOAUTH|WRONGPASS)\b/;

/** What ioredis says when it has no connection, loses it, or hears nothing (ioredis 6.0.0, `lib/`). */
const LOST =
  /^(Connection is closed|Stream isn't writeable|Command timed out|Socket timeout|Socket closed unexpectedly|Reached the max retries)/;

/** System errors of a socket that leads nowhere. */
const SOCKET_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
]);

/**
 * Whether an error of ioredis, or of BullMQ on top of it, means that Redis does not serve right now. It may or may not
 * have carried out what it was asked.
 */
export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (REFUSALS.test(error.message) || LOST.test(error.message)) return true;
  return 'code' in error && typeof error.code === 'string' && SOCKET_CODES.has(error.code);
}
