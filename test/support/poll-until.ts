import { DeadlineExceededError, pause } from '../../src/core/abort';
import { watchSlowdown } from './slowdown';

/**
 * Asks `probe` until it answers something other than undefined, as the function of this name in `src/core/abort.ts`
 * does. The deadline is one for a machine with room: it moves while other processes use the processors.
 *
 * @throws DeadlineExceededError.
 */
export async function pollUntil<T>(
  what: string,
  { timeoutMs, everyMs, signal }: { timeoutMs: number; everyMs: number; signal?: AbortSignal },
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const slowdown = watchSlowdown();
  const startedMs = performance.now();
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (signal?.aborted === true) throw signal.reason;
    const waitedMs = performance.now() - startedMs;
    if (waitedMs >= timeoutMs && waitedMs >= timeoutMs * slowdown())
      throw new DeadlineExceededError(what, timeoutMs);
    await pause(everyMs, signal);
  }
}

/**
 * The result of `work`, which is promised within a time on a machine with room; the time is scaled as that of
 * {@link pollUntil}.
 *
 * @throws DeadlineExceededError.
 */
export async function within<T>(what: string, timeoutMs: number, work: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = (): void => void (isSettled = true);
  work.then(settle, settle);
  await pollUntil(what, { timeoutMs, everyMs: 10 }, () => (isSettled ? true : undefined));
  return work;
}
