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
