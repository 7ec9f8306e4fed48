import type { SessionRef } from '../core/ids';
import type { ClosedNotice, CommandAnswer, Notice, NoticeStream } from '../store/notice-stream';
import type { ClosingStore } from '../store/closing-store';

/** The outcome of a command. */
export type CommandOutcome = CommandAnswer | 'committed';

/** The outcome of one command, once it is known. */
export interface AwaitedOutcome {
  /** The outcome; null if it is not known within `timeoutMs`. */
  readonly answer: (timeoutMs: number) => Promise<CommandOutcome | null>;
  /** Whether the outcome is known within `timeoutMs`. */
  readonly settled: (timeoutMs: number) => Promise<boolean>;
  /** Must be called in any case. */
  readonly stop: () => void;
}

/** How a waiter reads. */
export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Waits so long with the first reading, for a caller that knows how the session was a moment ago. Default: 0. */
  readonly firstReadAfterMs?: number;
  /** Whether a notice about the session can make what is read enough. Left out: each can. */
  readonly matters?: (notice: Notice) => boolean;
}

/** The browser of an ended session is gone; with the notice of it, if that was heard. */
export interface Closed {
  readonly notice: ClosedNotice | null;
}

/**
 * Waits for changes that any process may make, on the process' one tail of the notices. A waiter reads its row first,
 * then again whenever a notice concerns it, and after every gap: a lost notice costs time, but never gives a wrong
 * answer.
 */
export class Waiters {
  /* Found by what a notice is about: thousands may wait, and a notice concerns one or two of them. */
  readonly #bySession = new Map<string, Set<Listener>>();
  readonly #byOperation = new Map<string, Set<Listener>>();
  readonly #onResync = new Set<() => void>();

  constructor(
    notices: NoticeStream,
    private readonly closing: ClosingStore,
  ) {
    notices.on('notice', notice => {
      if ('ref' in notice) this.#bySession.get(notice.ref)?.forEach(listener => listener(notice));
      if ('opId' in notice) this.#byOperation.get(notice.opId)?.forEach(listener => listener(notice));
    });
    notices.on('resync', () => this.#onResync.forEach(mark => mark()));
  }

  /**
   * Reads a session until what is read is enough, or the time is up: answers what was read last.
   *
   * @throws what `read` throws.
   */
  async latest<T>(
    ref: SessionRef,
    read: () => Promise<T>,
    isEnough: (found: T) => boolean,
    { matters = () => true, ...options }: WaitOptions,
  ): Promise<T> {
    // Null: what was read is no longer all there is.
    let last: { readonly found: T } | null = null;
    const isRelevant = (notice: Notice): boolean => {
      last = null;
      return matters(notice);
    };
    const readAgain = async (): Promise<T> => {
      const found = await read();
      last = { found };
      return found;
    };
    await this.#until(ref, options, isRelevant, async () => isEnough(await readAgain()));
    // SAFETY: the closures have set it; the compiler does not see that.
    const known = last as { readonly found: T } | null;
    return known === null ? readAgain() : known.found;
  }

  /** Waits until the browser of an ended session is gone; null if the time is up first. */
  async closed(ref: SessionRef, timeoutMs: number): Promise<Closed | null> {
    const heard: ClosedNotice[] = [];
    const isRelevant = (notice: Notice): boolean => {
      if (notice.type !== 'closed') return false;
      heard.push(notice);
      return true;
    };
    const isClosed = await this.#until(
      ref,
      { timeoutMs },
      isRelevant,
      async () => heard.length > 0 || !(await this.closing.isOpen(ref)),
    );
    return isClosed ? { notice: heard[0] ?? null } : null;
  }

  /** Listens for the outcome of a command from now on. Call before sending the command. */
  outcome(opId: string): AwaitedOutcome {
    let known: CommandOutcome | null = null;
    let wake: () => void = () => undefined;
    const stop = listen(this.#byOperation, opId, notice => {
      known ??= notice.type === 'outcome' ? notice.answer : 'committed';
      wake();
    });
    const answer = async (timeoutMs: number): Promise<CommandOutcome | null> => {
      if (known !== null) return known;
      return new Promise(resolve => {
        const timer = setTimeout(() => resolve(null), timeoutMs);
        wake = () => {
          clearTimeout(timer);
          resolve(known);
        };
      });
    };
    return {
      answer,
      settled: async timeoutMs => (await answer(timeoutMs)) !== null,
      stop,
    };
  }

  /* Calls `done` at first, after each relevant notice about the session, and after each gap, one call at a time. */
  async #until(
    ref: SessionRef,
    { timeoutMs, signal, firstReadAfterMs = 0 }: WaitOptions,
    isRelevant: (notice: Notice) => boolean,
    done: () => Promise<boolean>,
  ): Promise<boolean> {
    let dirty = firstReadAfterMs === 0;
    let wake: () => void = () => undefined;
    const mark = (): void => {
      dirty = true;
      wake();
    };
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      wake();
    }, timeoutMs);
    const firstRead = dirty ? null : setTimeout(mark, firstReadAfterMs);
    const onAbort = (): void => wake();
    const stop = listen(this.#bySession, ref, notice => {
      if (isRelevant(notice)) mark();
    });
    this.#onResync.add(mark);
    signal?.addEventListener('abort', onAbort);
    try {
      for (;;) {
        if (dirty) {
          dirty = false;
          if (await done()) return true;
          continue;
        }
        if (timedOut || signal?.aborted === true) return false;
        await new Promise<void>(resolve => (wake = resolve));
      }
    } finally {
      clearTimeout(timer);
      if (firstRead !== null) clearTimeout(firstRead);
      stop();
      this.#onResync.delete(mark);
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

type Listener = (notice: Notice) => void;

/* Until the returned function is called. */
function listen(all: Map<string, Set<Listener>>, key: string, listener: Listener): () => void {
  const others = all.get(key) ?? new Set();
  all.set(key, others.add(listener));
  return () => {
    others.delete(listener);
    if (others.size === 0 && all.get(key) === others) all.delete(key);
  };
}
