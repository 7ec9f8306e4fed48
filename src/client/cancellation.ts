/** A signal for the duration of one piece of work. */
export interface Scope {
  readonly signal: AbortSignal;
  /** Whether the time has run out, as opposed to an abort by the caller. */
  readonly expired: boolean;
  /** Removes timer and listener; call it in `finally`. */
  close(): void;
}

/**
 * A signal that is aborted with the caller's, or after `timeoutMs`. Not with `AbortSignal.any()`, which leaks memory on
 * a long-lived signal with every call.
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
 * Waits for a promise that does not support signals. If the signal is aborted first, this rejects with its reason, and
 * the late result is passed to `discard`.
 */
export async function abortable<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  discard: (late: T) => unknown,
): Promise<T> {
  return untilAborted<T>(signal, (resolve, reject) => {
    work.then(resolve, reject);
    // Errors of the disposal are ignored: the caller has its rejection already.
    return () => void work.then(discard).catch(() => undefined);
  });
}

/* `begin` starts the work and returns a function that gives it up. */
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
      // SAFETY: callers may abort with any value, and get the same value back.
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    stopListening = () => signal?.removeEventListener('abort', onAbort);
  });
  return settled.finally(() => stopListening());
}
