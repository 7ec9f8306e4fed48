/** A signal that lives as long as one piece of work. */
export interface Scope {
  readonly signal: AbortSignal;
  /** Whether it was the time that ran out, not the caller's signal. */
  readonly expired: boolean;
  /** Lets go of timer and listener; call it in `finally`. */
  close(): void;
}

/**
 * A signal that is aborted with the caller's, or after `timeoutMs`. By hand, for `AbortSignal.any()` leaves something
 * behind on a signal of long life with every call.
 */
export function openScope(timeoutMs: number | undefined, outer: AbortSignal | undefined): Scope {
  const controller = new AbortController();
  let expired = false;
  const follow = (): void => controller.abort(outer?.reason);
  const expire = (): void => {
    expired = true;
    controller.abort();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
  if (outer?.aborted === true) follow();
  else outer?.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    close: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', follow);
    },
  };
}

/** Sleeps. Rejects with the signal's reason when it is aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await untilAborted(signal, resolve => {
    const timer = setTimeout(resolve, ms);
    return () => clearTimeout(timer);
  });
}

/**
 * Waits for a promise that knows no signals. When the signal is aborted first this rejects with its reason, and the late
 * result is handed to `discard`.
 */
export async function abortable<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  discard: (late: T) => unknown,
): Promise<T> {
  return untilAborted<T>(signal, (resolve, reject) => {
    work.then(resolve, reject);
    // Nobody is left to hear how letting go went.
    return () => void work.then(discard).catch(() => undefined);
  });
}

/* `begin` starts something and answers how to give it up. */
async function untilAborted<T>(
  signal: AbortSignal | undefined,
  begin: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void,
): Promise<T> {
  signal?.throwIfAborted();
  let stopListening = (): void => undefined;
  const settled = new Promise<T>((resolve, reject) => {
    const giveUp = begin(resolve, reject);
    const onAbort = (): void => {
      giveUp();
      // SAFETY: callers may abort with any value, and get back the one they chose.
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    stopListening = () => signal?.removeEventListener('abort', onAbort);
  });
  return settled.finally(() => stopListening());
}
