import type { Clock } from '../../src/core/clock';
import type { SessionRef } from '../../src/core/ids';
import type { Logger } from '../../src/core/logger';
import { RecurringFailures } from '../../src/core/recurring-failures';
import type { Traffic } from '../../src/core/traffic';
import type { ClosingStore, UsedTraffic } from '../../src/store/closing-store';
import type { SessionStore } from '../../src/store/session-store';
import type { KeeperClient } from '../keeper-client';
import type { EndedSaver } from '../contexts/ended-saver';
import type { WorkerExporter } from '../worker-exporter';

/** Longer than a whole ladder of the keeper (close, TERM, KILL). */
const CLOSE_TIMEOUT_MS = 15_000;
const LIST_TIMEOUT_MS = 5_000;

/** Dependencies of {@link SessionCloser}. */
export interface SessionCloserParts {
  readonly keeper: KeeperClient;
  readonly closing: ClosingStore;
  readonly sessions: Pick<SessionStore, 'read'>;
  /**
   * Called with every claim before the keeper gets the order: a launch that has not started must not start any more.
   */
  readonly beforeClose: (claimId: string) => void;
  /** Saves contexts. */
  readonly saver: Pick<EndedSaver, 'beforeEnd' | 'save'>;
  readonly exporter: Pick<WorkerExporter, 'browserGone'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A claim of a session whose browser was ended, with what the keeper has kept of it. */
interface ClosedClaim {
  readonly claimId: string;
  readonly profile: string | null;
  readonly traffic: Traffic | null;
}

/**
 * Meets the obligation of an ended session: orders the keeper to end its browser, saves its context if that is owed,
 * then acknowledges both (I7).
 */
export class SessionCloser {
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #failures: RecurringFailures;

  constructor(private readonly parts: SessionCloserParts) {
    this.#failures = new RecurringFailures(
      parts.log,
      'a browser could not be ended; it will be tried again',
      'a browser is gone that could not be ended before',
    );
  }

  /**
   * Closes one browser; a second order for the same claim joins the first. Failures are left to the next drain.
   *
   * @param saves - whether a save of the session's context is owed, too
   */
  close(ref: SessionRef, claimId: string, saves = false): Promise<void> {
    const known = this.#underWay.get(claimId);
    if (known !== undefined) return known;
    this.parts.beforeClose(claimId);
    const work = this.#close(ref, claimId, saves)
      .then(
        () => this.#failures.worked(ref),
        (error: unknown) => this.#failures.failed(ref, error),
      )
      .finally(() => this.#underWay.delete(claimId));
    this.#underWay.set(claimId, work);
    return work;
  }

  /**
   * Starts to close all browsers that this worker still owes, e.g. after missed orders; {@link settle} waits for it.
   */
  async drain(workerId: string): Promise<void> {
    const owed = (await this.parts.closing.all()).filter(entry => entry.workerId === workerId);
    for (const { ref, claimId, saves } of owed) void this.close(ref, claimId, saves);
  }

  /** Resolves when no close is in progress. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  async #close(ref: SessionRef, claimId: string, saves: boolean): Promise<void> {
    const { keeper, closing, saver, exporter, clock } = this.parts;
    if (saves) await saver.beforeEnd(ref, claimId);
    const { known, ...closed } = await this.#order(ref, claimId);
    const others = known ? [] : await this.#closeOtherClaims(ref, claimId);
    const goneMs = clock.monotonicMs();
    const all = [closed, ...others];
    const save = saves
      ? await saver.save(
          ref,
          claimId,
          firstOf(all, ({ profile }) => profile),
        )
      : null;
    const used = await this.#usedTraffic(
      ref,
      firstOf(all, ({ traffic }) => traffic),
    );
    const afterMs = await closing.acknowledge(ref, claimId, { save, used });
    // The browser was gone before the save began.
    if (afterMs !== null) exporter.browserGone(Math.max(0, afterMs - (clock.monotonicMs() - goneMs)));
    for (const { claimId: ended } of all)
      await keeper.call('forget', { ref, claimId: ended }, { timeoutMs: CLOSE_TIMEOUT_MS });
  }

  /* Keepers of earlier versions keep less, and do not mention what they do not know. */
  async #order(ref: SessionRef, claimId: string): Promise<ClosedClaim & { readonly known: boolean }> {
    const order = { timeoutMs: CLOSE_TIMEOUT_MS };
    const { known, profile, traffic } = await this.parts.keeper.call('close', { ref, claimId }, order);
    return { known, claimId, profile: profile ?? null, traffic: traffic ?? null };
  }

  /* The row says under which reason, and on which day, its traffic counts. If it is forgotten, nobody asks any more. */
  async #usedTraffic(ref: SessionRef, traffic: Traffic | null): Promise<UsedTraffic | null> {
    if (traffic === null) return null;
    const { record } = await this.parts.sessions.read(ref);
    const { endReason = null, endedAtMs = null } = record?.snapshot.context ?? {};
    return endReason === null || endedAtMs === null ? null : { traffic, endReason, endedAtMs };
  }

  /*
   * The keeper does not know the claim under which the session has ended: either its browser is completely gone, or the
   * claim never reached the keeper (an adoption that failed half-way) and the browser still runs under another one. If
   * the session has ended, that browser must end too. If it has not, it has a newer claim, and the order was for an
   * earlier attempt.
   */
  async #closeOtherClaims(ref: SessionRef, claimId: string): Promise<ClosedClaim[]> {
    const { keeper, closing } = this.parts;
    const { browsers } = await keeper.call('list', {}, { timeoutMs: LIST_TIMEOUT_MS });
    const others = browsers.filter(browser => browser.ref === ref && browser.fence.claimId !== claimId);
    if (others.length === 0 || !(await closing.isOwed(ref, claimId))) return [];
    const closed: ClosedClaim[] = [];
    for (const { fence } of others) closed.push(await this.#order(ref, fence.claimId));
    return closed;
  }
}

const firstOf = <T>(claims: readonly ClosedClaim[], of: (claim: ClosedClaim) => T | null): T | null =>
  claims.map(of).find(found => found !== null) ?? null;
