import type { MachineEvent } from '../../machines/session/session.events';
import type { Fence } from '../../machines/session/session.types';
import { savesAtEnd, statusOf } from '../../machines/session/session.view';
import { isEnded, hasBrowser } from '../../machines/session/session.words';
import type { Clock } from '../../src/core/clock';
import { randomId, type SessionRef } from '../../src/core/ids';
import { RecurringFailures } from '../../src/core/recurring-failures';
import type { LeaseStore } from '../../src/store/lease-store';
import type { SessionStore } from '../../src/store/session-store';
import type { SessionRecord } from '../../src/store/session-record';
import type { KeeperClient } from '../keeper-client';
import type { BrowserRecord } from '../keeper/door/protocol';
import type { OwnedSessions } from './owned-sessions';
import type { SessionCloser } from './session-closer';
import { commitEventOnce, type WorkerContext } from '../worker-context';

/**
 * A browser whose session has no row is ended after this time, and not at once: Redis may have lost its last second,
 * and the row may come back.
 */
const MISSING_ROW_GRACE_MS = 10_000;

/** Dependencies of {@link Reconciler}. */
export interface ReconcilerParts {
  readonly context: WorkerContext;
  readonly keeper: KeeperClient;
  readonly owned: OwnedSessions;
  readonly closer: SessionCloser;
  readonly sessions: SessionStore;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  /** Whether a current launch of this process has this claim. */
  readonly isLaunching: (claimId: string) => boolean;
}

interface OwnedRow {
  readonly ref: SessionRef;
  readonly record: SessionRecord;
  readonly fence: Fence;
}

/**
 * Makes rows and browsers agree, from their current state and not from events: at start (adoption), after each
 * reconnect to keeper or Redis, and every few seconds. Sessions of this worker without a browser are ended; browsers
 * without a row are closed.
 */
export class Reconciler {
  readonly #missingSinceMs = new Map<string, number>();
  readonly #failures: RecurringFailures;
  #running: Promise<void> | null = null;

  constructor(private readonly parts: ReconcilerParts) {
    this.#failures = new RecurringFailures(
      parts.context.log,
      'a session could not be reconciled; it will be tried again',
      'a session is reconciled again',
    );
  }

  /**
   * One pass; calls during a pass share it. A row or a browser that fails does not block the others, and is retried in
   * the next pass.
   *
   * @throws if rows or browsers cannot be listed at all.
   */
  run(): Promise<void> {
    this.#running ??= this.#pass().finally(() => (this.#running = null));
    return this.#running;
  }

  async #pass(): Promise<void> {
    const { leases, closer, context } = this.parts;
    const failed = new Map<string, unknown>();
    const owned = (await leases.owned(context.workerId)).map(ref => ({ ref }));
    const read = await each(owned, failed, ({ ref }) => this.#readUnsettled(ref));
    const rows = read.filter(row => row !== null);
    // Listed after the rows were read: a browser that a row names and the keeper does not list is really gone.
    const byRef = new Map((await this.#list()).map(browser => [browser.ref, browser]));
    await each(rows, failed, row => this.#settleRow(row, byRef.get(row.ref)));
    // Listed again, because adoption has changed claims.
    await each(await this.#list(), failed, browser => this.#settleBrowser(browser));
    await closer.drain(context.workerId);
    this.#failures.settle(failed);
  }

  async #list(): Promise<readonly BrowserRecord[]> {
    return (await this.parts.keeper.call('list', {}, { timeoutMs: 5_000 })).browsers;
  }

  /* A row of this worker, unless a launch of this process is working on it. */
  async #readUnsettled(ref: SessionRef): Promise<OwnedRow | null> {
    const { record } = await this.parts.sessions.load(ref);
    const owner = record?.snapshot.context.owner ?? null;
    if (record === null || owner === null || owner.workerId !== this.parts.context.workerId) return null;
    // Checked in the same tick as the reply: replies come in order, so a launch that has gone live since is still
    // known.
    return this.parts.isLaunching(owner.fence.claimId) ? null : { ref, record, fence: owner.fence };
  }

  /* Keeps the session, adopts it, or commits the end of its browser. */
  async #settleRow({ record, fence }: OwnedRow, browser: BrowserRecord | undefined): Promise<void> {
    if (isEnded(statusOf(record.snapshot))) return;
    if (!hasBrowser(statusOf(record.snapshot))) return this.#failLaunch(record, fence);
    const isRunning = browser?.state === 'running';
    const isHeld =
      browser?.fence.claimId === fence.claimId && this.parts.owned.holds(record.ref, fence.claimId);
    if (isRunning && isHeld) {
      await this.#commitCuts(record, fence, browser);
      return this.#commitUploadCut(record, fence, browser);
    }
    // The browser is closing: the keeper reports how it ended later, and the next pass handles that.
    if (browser?.state === 'closing' && browser.fence.claimId === fence.claimId) return;
    if (isRunning && isSameBrowser(record, browser)) await this.#adopt(record, fence, browser);
    else await this.#commitGone(record, fence, browser);
  }

  async #adopt(record: SessionRecord, held: Fence, browser: BrowserRecord): Promise<void> {
    const { context, keeper, owned } = this.parts;
    const { workerId } = context;
    const claimId = randomId();
    const outcome = await commitEventOnce(context, {
      ref: record.ref,
      cause: 'adopted',
      fence: held,
      event: (_record, nowMs) => ({ type: 'ADOPT', nowMs, workerId, claimId }),
    });
    if (outcome.kind !== 'committed' && outcome.kind !== 'replayed') return;
    const fence = outcome.record.snapshot.context.owner?.fence;
    if (fence?.claimId !== claimId) return;
    // Committed first: if this process dies here, the next worker finds the same browser by its GUID under an older
    // claim.
    await keeper.call('claim', { ref: record.ref, from: browser.fence, to: fence }, { timeoutMs: 5_000 });
    owned.add(outcome.record);
  }

  async #failLaunch({ ref }: SessionRecord, fence: Fence): Promise<void> {
    const message = 'the worker that was starting the browser was restarted';
    await this.#commitAs(ref, fence, 'worker_restarted', nowMs => ({
      type: 'LAUNCH_FAILED',
      nowMs,
      message,
    }));
  }

  async #commitGone({ ref }: SessionRecord, fence: Fence, browser: BrowserRecord | undefined): Promise<void> {
    const gone = browser?.gone ?? null;
    if (gone !== null && gone.cause === null) {
      // The keeper ended it because there was no worker, or because it was stopped while no process could commit that.
      await this.#commitAs(ref, fence, 'ended_by_keeper', nowMs => ({ type: 'WORKER_LOST', nowMs, fence }));
      return;
    }
    const cause = gone?.cause ?? 'browser_crashed';
    const message = gone?.message ?? 'the browser is not there any more';
    await this.#commitAs(ref, fence, cause, nowMs => ({ type: 'BROWSER_GONE', nowMs, cause, message }));
  }

  /* Commits the cut downloads to the history; the session continues. */
  async #commitCuts({ ref }: SessionRecord, fence: Fence, { hasNewCuts }: BrowserRecord): Promise<void> {
    if (hasNewCuts !== true) return;
    await this.#commitAs(ref, fence, 'download_quota_exceeded', nowMs => ({ type: 'DOWNLOADS_CUT', nowMs }));
    await this.parts.keeper.call('cutsHeard', { ref, claimId: fence.claimId }, { timeoutMs: 5_000 });
  }

  /* The same for an upload. */
  async #commitUploadCut({ ref }: SessionRecord, fence: Fence, browser: BrowserRecord): Promise<void> {
    if (browser.hasNewUploadCut !== true) return;
    await this.#commitAs(ref, fence, 'upload_quota_exceeded', nowMs => ({ type: 'UPLOADS_CUT', nowMs }));
    await this.parts.keeper.call('uploadCutHeard', { ref, claimId: fence.claimId }, { timeoutMs: 5_000 });
  }

  async #commitAs(
    ref: SessionRef,
    fence: Fence,
    cause: string,
    event: (nowMs: number) => MachineEvent,
  ): Promise<void> {
    await commitEventOnce(this.parts.context, { ref, cause, fence, event: (_record, nowMs) => event(nowMs) });
  }

  /* A browser of the keeper: its session must be live or launching, with this worker as owner under the same claim. */
  async #settleBrowser(browser: BrowserRecord): Promise<void> {
    const { sessions, closer, isLaunching, clock, owned } = this.parts;
    // SAFETY: the keeper echoes refs it was given by a worker.
    const ref = browser.ref as SessionRef;
    const { claimId } = browser.fence;
    if (isLaunching(claimId) || browser.state === 'closing') return;
    const { record } = await sessions.load(ref);
    if (record === null) {
      const sinceMs = this.#missingSinceMs.get(claimId) ?? clock.monotonicMs();
      this.#missingSinceMs.set(claimId, sinceMs);
      if (clock.monotonicMs() - sinceMs < MISSING_ROW_GRACE_MS) return;
    }
    this.#missingSinceMs.delete(claimId);
    const isWanted =
      record !== null &&
      !isEnded(statusOf(record.snapshot)) &&
      record.snapshot.context.owner?.fence.claimId === claimId;
    if (isWanted) return;
    owned.remove(ref);
    // As the end of the session has ordered it, in case the order was lost with the worker that had it.
    const saves = record !== null && savesAtEnd(record.snapshot);
    void closer.close(ref, claimId, saves); // not awaited: a browser that does not end must not delay the others
  }
}

/** Works on all in parallel; a failure is noted under its session and does not affect the others. */
async function each<T extends { readonly ref: string }, R>(
  items: readonly T[],
  failed: Map<string, unknown>,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const attempts = items.map(async item => {
    try {
      return [await work(item)];
    } catch (error) {
      failed.set(item.ref, error);
      return [];
    }
  });
  return (await Promise.all(attempts)).flat();
}

function isSameBrowser({ snapshot }: SessionRecord, browser: BrowserRecord): boolean {
  const { endpoint, owner } = snapshot.context;
  return (
    endpoint !== null && endpoint.path === browser.endpoint?.path && browser.fence.n <= (owner?.fence.n ?? 0)
  );
}
