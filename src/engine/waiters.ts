import type { SessionRef } from '../core/ids';
import type { CommandAnswer, Notice, NoticeStream } from '../store/notice-stream';
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

/**
 * Waits for changes that any process may make, on the process' one tail of the notices. A waiter reads its row first,
 * then again whenever a notice concerns it, and after every gap: a lost notice costs time, but never gives a wrong
 * answer.
 */
export class Waiters {
  constructor(
    private readonly notices: NoticeStream,
    private readonly closing: ClosingStore,
  ) {}

  /**
   * Reads a session until what is read is enough, or the time is up: answers what was read last.
   *
   * @throws what `read` throws.
   */
  async latest<T>(
    ref: SessionRef,
    read: () => Promise<T>,
    isEnough: (found: T) => boolean,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<T> {
    let last: T | undefined;
    await this.#until(timeoutMs, signal, concerns(ref), async () => {
      last = await read();
      return isEnough(last);
    });
    // SAFETY: it is read at least once.
    return last as T;
  }

  /** Waits until the browser of an ended session is gone; false if the time is up first. */
  async closed(ref: SessionRef, timeoutMs: number): Promise<boolean> {
    return this.#until(timeoutMs, undefined, concerns(ref), async () => !(await this.closing.isOpen(ref)));
  }

  /** Listens for the outcome of a command from now on. Call before sending the command. */
  outcome(opId: string): AwaitedOutcome {
    let known: CommandOutcome | null = null;
    let wake: () => void = () => undefined;
    const onNotice = (notice: Notice): void => {
      if (!('opId' in notice) || notice.opId !== opId) return;
      known ??= notice.type === 'outcome' ? notice.answer : 'committed';
      wake();
    };
    this.notices.on('notice', onNotice);
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
      stop: () => this.notices.off('notice', onNotice),
    };
  }

  /* Calls `done` now, after each notice that concerns the waiter, and after each gap, one call at a time. */
  async #until(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    isRelevant: (notice: Notice) => boolean,
    done: () => Promise<boolean>,
  ): Promise<boolean> {
    let dirty = true;
    let wake: () => void = () => undefined;
    const mark = (): void => {
      dirty = true;
      wake();
    };
    const onNotice = (notice: Notice): void => {
      if (isRelevant(notice)) mark();
    };
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      wake();
    }, timeoutMs);
    const onAbort = (): void => wake();
    this.notices.on('notice', onNotice);
    this.notices.on('resync', mark);
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
      this.notices.off('notice', onNotice);
      this.notices.off('resync', mark);
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

const concerns =
  (ref: SessionRef) =>
  (notice: Notice): boolean =>
    'ref' in notice && notice.ref === ref;
