import type { HoldfastError } from './errors';

const FIRST_DELAY_MS = 500;
const DELAY_MAX_MS = 8_000;
const RETRY_AFTER_MAX_MS = 60_000;

/** Whether a call with this error is repeated: no answer, 408, 429, or a 5xx that does not forbid it. */
export function isWorthRepeating({ code, status, retryable }: HoldfastError): boolean {
  if (status === null) return code === 'connection_failed' || code === 'request_timeout';
  return retryable && isTemporary(status);
}

/** Whether a status alone means that the same request may succeed later. */
export const isTemporary = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/**
 * How long to wait before the next attempt, milliseconds: the service's `Retry-After`, else doubled each time. Half of
 * it is random, so that clients that failed together do not retry together.
 *
 * @param attempt - the number of the failed attempt; 0 for the first
 */
export function retryDelayMs({ retryAfterMs }: HoldfastError, attempt: number): number {
  if (retryAfterMs !== null) return Math.min(retryAfterMs, RETRY_AFTER_MAX_MS);
  const delayMs = Math.min(DELAY_MAX_MS, FIRST_DELAY_MS * 2 ** attempt);
  return delayMs * (0.5 + Math.random() / 2);
}

/** `Retry-After` in milliseconds; null if there is none. Its form with a date is not read: clocks differ. */
export function parseRetryAfter(header: string | null): number | null {
  return header !== null && /^\d{1,6}(\.\d+)?$/.test(header.trim()) ? Number(header) * 1_000 : null;
}
