/**
 * Replies of a server that is up but cannot serve: it is loading, its disk or memory is full, it is a replica, or it is
 * busy. Redis 6.2 includes the reply that a script got in its own error, after a minus sign.
 */
const REFUSALS =
  /(?:^|: -)(LOADING|MISCONF|OOM|READONLY|MASTERDOWN|NOREPLICAS|BUSY|TRYAGAIN|CLUSTERDOWN|NOAUTH|WRONGPASS)\b/;

/** ioredis' messages when it has no connection, loses it, or gets no answer (ioredis 6.0.0, `lib/`). */
const LOST =
  /^(Connection is closed|Stream isn't writeable|Command timed out|Socket timeout|Socket closed unexpectedly|Reached the max retries)/;

/**
 * The same of its `Cluster`, while a node fails over or a slot moves, and what a script gets that meets such a move.
 */
const LOST_CLUSTER =
  /^(Cluster isn't ready|Cluster is ended|None of startup nodes|Failed to refresh slots cache|Too many Cluster redirections)|access a non local key/;

/** System errors of a socket that cannot reach the server. */
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
 * Whether an error of ioredis, or of BullMQ on top of it, means that Redis cannot serve right now. It may or may not
 * have carried out the command.
 */
export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ([REFUSALS, LOST, LOST_CLUSTER].some(known => known.test(error.message))) return true;
  return 'code' in error && typeof error.code === 'string' && SOCKET_CODES.has(error.code);
}
