import type { Fence } from '../../machines/session/session.types';
import type { SessionRef } from '../../src/core/ids';
import type { SessionRecord } from '../../src/store/session-record';
import type { BrowserRecord } from '../keeper/door/protocol';
import { commitEvent, type WorkerContext } from '../worker-context';

/** How many early ends are remembered; each is needed only between a launch and its commit. */
const EARLY_GONE_MAX = 256;

/* A session that this worker owns. */
interface Owned {
  readonly fence: Fence;
  /** When its context is to be saved next, epoch milliseconds; null: only on demand. */
  saveDueAtMs: number | null;
  readonly saveEveryMs: number | null;
}

/** The live sessions whose browsers this worker's keeper holds. */
export class OwnedSessions {
  readonly #owned = new Map<SessionRef, Owned>();
  /** Browsers that ended before their session was added, by claim. */
  readonly #goneEarly = new Map<string, BrowserRecord>();

  constructor(private readonly context: WorkerContext) {}

  /** Adds a live session of this worker. */
  add(record: SessionRecord): void {
    const { owner, contextUse, lastSave, liveAtMs } = record.snapshot.context;
    if (owner === null) throw new Error(`${record.ref} has no owner`);
    const saveEveryMs = contextUse?.saveEveryMs ?? null;
    const lastMs = lastSave?.atMs ?? liveAtMs ?? 0;
    this.#owned.set(record.ref, {
      fence: owner.fence,
      saveEveryMs,
      saveDueAtMs: saveEveryMs === null ? null : lastMs + saveEveryMs,
    });
    const gone = this.#goneEarly.get(owner.fence.claimId);
    if (gone !== undefined) this.browserGone(gone);
  }

  /** Removes a session that has ended, or has another owner. */
  remove(ref: SessionRef): void {
    this.#owned.delete(ref);
  }

  /** Whether this worker owns the session. */
  has(ref: SessionRef): boolean {
    return this.#owned.has(ref);
  }

  /** Whether this worker owns the session under exactly this claim. */
  holds(ref: SessionRef, claimId: string): boolean {
    return this.#owned.get(ref)?.fence.claimId === claimId;
  }

  /** Every session of this worker. */
  refs(): SessionRef[] {
    return [...this.#owned.keys()];
  }

  /** The sessions whose context is to be saved by now; each is named once in its interval. */
  takeSavesDue(nowMs: number): SessionRef[] {
    return [...this.#owned].flatMap(([ref, owned]) => {
      const { saveDueAtMs, saveEveryMs } = owned;
      if (saveDueAtMs === null || saveEveryMs === null || saveDueAtMs > nowMs) return [];
      owned.saveDueAtMs = nowMs + saveEveryMs;
      return [ref];
    });
  }

  /** Handles the keeper's event that a browser ended without an order: the session ends with it. */
  browserGone(browser: BrowserRecord): void {
    // SAFETY: the keeper echoes refs it was given by a worker.
    const ref = browser.ref as SessionRef;
    if (!this.holds(ref, browser.fence.claimId)) {
      this.#rememberEarly(browser);
      return;
    }
    // Fails only when this process stops: the keeper remembers the end, and the next worker reads it.
    this.#commitGone(ref, browser).catch((error: unknown) =>
      this.context.log.warn(
        { session: ref, err: error },
        'the end of a browser could not be committed; the next worker process will do it',
      ),
    );
  }

  async #commitGone(ref: SessionRef, { fence, gone }: BrowserRecord): Promise<void> {
    const cause = gone?.cause ?? 'browser_crashed';
    const message = gone?.message ?? 'the browser was ended';
    await commitEvent(this.context, {
      ref,
      cause,
      fence,
      event: (_record, nowMs) => ({ type: 'BROWSER_GONE', nowMs, cause, message }),
    });
  }

  #rememberEarly(browser: BrowserRecord): void {
    this.#goneEarly.set(browser.fence.claimId, browser);
    const [oldest] = this.#goneEarly.keys();
    if (this.#goneEarly.size > EARLY_GONE_MAX && oldest !== undefined) this.#goneEarly.delete(oldest);
  }
}
