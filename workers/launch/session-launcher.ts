import { isQueued } from '../../machines/session/session.view';
import { nextAttempt } from '../../machines/session/session.effects';
import type { Endpoint, Fence } from '../../machines/session/session.types';
import type { DialTarget } from '../../src/browser/dial';
import type { FirstPage } from '../../src/browser/first-page';
import type { Clock } from '../../src/core/clock';
import { messageOf } from '../../src/core/errors';
import { parseRef, randomId, type SessionRef } from '../../src/core/ids';
import { DONE, type JobResult } from '../../src/queue/consumer';
import type { KnownSession } from '../../src/engine/stepper';
import type { Timeouts } from '../../src/engine/timeouts';
import type { LaunchPayload } from '../../src/queue/payloads';
import type { SessionRecord } from '../../src/store/session-record';
import type { WorkerStore } from '../../src/store/worker-store';
import { retryUntilDone } from '../retry-until-done';
import type { KeeperClient } from '../keeper-client';
import { KEEPER_LAUNCH_TIMEOUT_MS, KeeperError } from '../keeper/door/protocol';
import { MountError, type ContextMounter, type Mounted } from '../contexts/context-mounter';
import { launchPlan, type LaunchInput, type LaunchSettings } from './launch-plan';
import type { LaunchSlots } from './launch-slots';
import type { OwnedSessions } from '../ownership/owned-sessions';
import type { SessionCloser } from '../ownership/session-closer';
import { commitEvent, type WorkerContext } from '../worker-context';
import type { WorkerExporter } from '../worker-exporter';

/** How long a worker goes on from the session as it has claimed it; that is longer than a warm browser takes. */
const KNOWN_FOR_MS = 1_000;

/** Dependencies of {@link SessionLauncher}. */
export interface LauncherParts {
  readonly context: WorkerContext;
  readonly keeper: KeeperClient;
  readonly owned: OwnedSessions;
  readonly closer: SessionCloser;
  readonly slots: LaunchSlots;
  readonly workers: Pick<WorkerStore, 'isDrained'>;
  readonly timeouts: Pick<Timeouts, 'fire'>;
  readonly exporter: Pick<WorkerExporter, 'launched' | 'started'>;
  readonly clock: Clock;
  readonly mounter: Pick<ContextMounter, 'mount' | 'discard'>;
  /** Prepares a started browser for its first client. */
  readonly prepare: (target: DialTarget, page: FirstPage, isOpen: boolean) => Promise<void>;
  readonly settings: LaunchSettings;
}

/* The part of the row that a launch needs, read at the claim. */
interface Claimed extends LaunchInput {
  readonly fence: Fence;
  readonly sleepAfterMs: number | null;
  /**
   * The session since the claim, and two clocks at one moment before it; null if another process may have been between.
   */
  readonly known: {
    readonly record: SessionRecord;
    readonly readAt: { readonly nowMs: number; readonly monotonicMs: number };
  } | null;
}

/* A browser that is ready for its first client. */
interface Started {
  readonly endpoint: Endpoint;
  readonly mounted: Mounted | null;
}

/**
 * Handles the `launch` queue: claims the session, starts and prepares its browser, and commits the result. The row
 * decides at each step whether to continue.
 */
export class SessionLauncher {
  readonly #claims = new Set<string>();
  readonly #cancelled = new Set<string>();

  constructor(private readonly parts: LauncherParts) {}

  /**
   * Takes one launch job; hands it back when all slots are taken, or an operator has drained this worker.
   *
   * @throws NewerMachineVersionError for a session that only a newer worker can launch.
   */
  async handle({ ref, attempt }: LaunchPayload): Promise<JobResult> {
    const { slots } = this.parts;
    if (!slots.take()) return { handBack: true };
    try {
      return (await this.#launch(ref, attempt)) === 'drained' ? { handBack: true } : DONE;
    } finally {
      slots.release();
    }
  }

  /** Whether a launch under this claim is in progress. */
  isLaunching(claimId: string): boolean {
    return this.#claims.has(claimId);
  }

  /**
   * The session of a claim has ended. If its launch has not reached the keeper yet it must not: the close order would
   * find no browser, and the browser would start after it.
   */
  cancelLaunch(claimId: string): void {
    if (this.#claims.has(claimId)) this.#cancelled.add(claimId);
  }

  async #launch(ref: SessionRef, attempt: number): Promise<'done' | 'drained'> {
    const claimId = randomId();
    this.#claims.add(claimId);
    try {
      const claimed = await this.#claim(ref, attempt, claimId);
      if (claimed === 'drained') return 'drained';
      if (claimed === null) return 'done'; // ended, taken by another worker, or another attempt: the job is stale
      if (this.#cancelled.has(claimId)) return 'done';
      const started = await this.#start(ref, claimed);
      if (started !== null) await this.#goLive(ref, claimed, started);
      return 'done';
    } finally {
      this.#claims.delete(claimId);
      this.#cancelled.delete(claimId);
    }
  }

  async #claim(ref: SessionRef, attempt: number, claimId: string): Promise<Claimed | 'drained' | null> {
    const { context, workers, slots, clock } = this.parts;
    const { workerId } = context;
    let isDrained = false;
    let readAt = { nowMs: 0, monotonicMs: 0 };
    const outcome = await commitEvent(context, {
      ref,
      cause: 'slot_free',
      // A client waits for the browser, and the job of the launch outlasts the relay.
      isUrgent: true,
      // Read at each launch: the drain order may not have arrived yet, and no session created after it may be launched
      // here.
      isRefused: async () => (isDrained = await workers.isDrained(workerId)),
      event: (record, nowMs) => {
        readAt = { nowMs, monotonicMs: clock.monotonicMs() };
        return waitsFor(record, attempt) ? { type: 'CLAIM', nowMs, workerId, claimId } : null;
      },
    });
    if (isDrained && outcome.kind === 'ignored') {
      slots.setDrained(true);
      return 'drained';
    }
    if (outcome.kind === 'ignored' && waitsFor(outcome.record, attempt)) await this.#endWaiting(ref);
    if (outcome.kind !== 'committed' && outcome.kind !== 'replayed') return null;
    const { owner, options, sealed, contextUse, limits } = outcome.record.snapshot.context;
    if (owner?.fence.claimId !== claimId) return null;
    const known = outcome.kind === 'committed' ? { record: outcome.record, readAt } : null;
    return { fence: owner.fence, options, sealed, contextUse, sleepAfterMs: limits.sleepAfterMs, known };
  }

  /*
   * The queue deadline has passed: the machine refuses the claim, and the first process that notices ends the session.
   */
  async #endWaiting(ref: SessionRef): Promise<void> {
    const { context, timeouts } = this.parts;
    await retryUntilDone('queue', context.log, context.signal, () =>
      timeouts.fire(ref, 'queue', null, 'claim'),
    );
  }

  /* A ready browser with its first page, or null after the failure was committed. */
  async #start(ref: SessionRef, claimed: Claimed): Promise<Started | null> {
    const { context, keeper, closer, exporter, clock, mounter, prepare, settings } = this.parts;
    const { fence, sleepAfterMs } = claimed;
    const orderedMs = clock.monotonicMs();
    try {
      const mounted = await this.#mount(ref, claimed);
      const { options, firstPage } = launchPlan(claimed, mounted, settings, ref);
      const { endpoint, isWarm = false } = await keeper.call(
        'launch',
        { ref, fence, timeoutMs: KEEPER_LAUNCH_TIMEOUT_MS, options, takesWarm: true, sleepAfterMs },
        { timeoutMs: KEEPER_LAUNCH_TIMEOUT_MS + 5_000 },
      );
      await prepare({ endpoint, claimId: fence.claimId }, firstPage, isWarm);
      exporter.launched('ready', orderedMs);
      exporter.started(isWarm);
      return { endpoint, mounted };
    } catch (error) {
      const message = messageOf(error);
      const wasCancelled = error instanceof KeeperError && error.code === 'launch_cancelled';
      exporter.launched(wasCancelled ? 'cancelled' : 'failed', orderedMs);
      context.log[wasCancelled ? 'info' : 'warn']({ session: ref, reason: message }, 'launch failed');
      try {
        await commitEvent(context, {
          ref,
          cause: 'launch_failed',
          fence,
          event: (_record, nowMs) => ({
            type: error instanceof MountError ? 'MOUNT_FAILED' : 'LAUNCH_FAILED',
            nowMs,
            message,
          }),
        });
      } finally {
        await closer.close(ref, fence.claimId);
        // The order may not have reached the keeper.
        await mounter.discard(fence.claimId);
      }
      return null;
    }
  }

  /* Null for a session without a context. */
  async #mount(ref: SessionRef, { contextUse, fence }: Claimed): Promise<Mounted | null> {
    const tenant = parseRef(ref)?.tenant ?? '';
    return contextUse === null ? null : this.parts.mounter.mount(tenant, contextUse, fence.claimId);
  }

  async #goLive(ref: SessionRef, { fence, known }: Claimed, { endpoint, mounted }: Started): Promise<void> {
    const { context, owned, closer, clock } = this.parts;
    const outcome = await commitEvent(context, {
      ref,
      cause: 'browser_ready',
      fence,
      known: () => knownNow(known, clock.monotonicMs()),
      event: (_record, nowMs) => ({
        type: 'BROWSER_READY',
        nowMs,
        endpoint,
        ...(mounted === null ? {} : { mountedVersion: mounted.version }),
      }),
    }).catch(async (error: unknown) => {
      // The browser was not committed, so it must be closed here.
      if (!context.signal.aborted) await closer.close(ref, fence.claimId);
      throw error;
    });
    const isLive =
      (outcome.kind === 'committed' || outcome.kind === 'replayed') &&
      outcome.record.snapshot.value === 'live';
    if (isLive) owned.add(outcome.record);
    // The session was released or timed out during the launch: the browser is closed.
    else if (outcome.kind !== 'fenced') await closer.close(ref, fence.claimId);
  }
}

function waitsFor({ snapshot }: SessionRecord, attempt: number): boolean {
  return isQueued(snapshot) && nextAttempt(snapshot.context) === attempt;
}

/* Redis' clock may be set at any time: what was read of it holds for a short time only. */
function knownNow(known: Claimed['known'], monotonicMs: number): KnownSession | null {
  if (known === null) return null;
  const { record, readAt } = known;
  const elapsedMs = monotonicMs - readAt.monotonicMs;
  return elapsedMs > KNOWN_FOR_MS ? null : { record, nowMs: Math.floor(readAt.nowMs + elapsedMs) };
}
