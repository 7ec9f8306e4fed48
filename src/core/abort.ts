import { setTimeout as delay } from 'node:timers/promises';

/** Thrown by {@link withDeadline} when the time is up. */
export class DeadlineExceededError extends Error {
  constructor(
    readonly what: string,
    readonly timeoutMs: number,
  ) {
    super(`${what} took longer than ${timeoutMs} ms`);
    this.name = 'DeadlineExceededError';
  }
}

/**
 * Waits for a promise, but no longer than `timeoutMs`. The timer is cleared either way; a late result of `work` is
 * dropped, a late rejection is swallowed because no caller is waiting for it any more.
 *
 * @throws DeadlineExceededError when the time is up first.
 */
export async function withDeadline<T>(what: string, timeoutMs: number, work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlineExceededError(what, timeoutMs)), timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Sleeps, or returns early and quietly when the signal is aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}

/**
 * Asks `probe` until it answers something other than undefined.
 *
 * @throws DeadlineExceededError after `timeoutMs`.
 */
export async function pollUntil<T>(
  what: string,
  { timeoutMs, everyMs, signal }: { timeoutMs: number; everyMs: number; signal?: AbortSignal },
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (signal?.aborted === true) throw signal.reason;
    if (performance.now() >= until) throw new DeadlineExceededError(what, timeoutMs);
    await pause(everyMs, signal);
  }
}

/** Milliseconds to wait before attempt `n` (0-based): 0, then `firstMs` doubled each time up to `capMs`. */
export function backoffMs(n: number, firstMs: number, capMs: number): number {
  return n <= 0 ? 0 : Math.min(capMs, firstMs * 2 ** (n - 1));
}

/**
 * Whether a promise resolves within `timeoutMs`.
 *
 * @throws what the promise rejects with, if it does so in time.
 */
export async function settlesWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  try {
    await withDeadline('work', timeoutMs, work);
    return true;
  } catch (error) {
    if (error instanceof DeadlineExceededError) return false;
    throw error;
  }
}
