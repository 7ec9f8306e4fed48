import type { Clock } from '../../src/core/clock';
import type { SessionRef } from '../../src/core/ids';
import type { Logger } from '../../src/core/logger';
import type { Report } from '../../src/metrics/report';
import { isRedisAway } from '../../src/redis/errors';
import type { ClosingStore } from '../../src/store/closing-store';
import { LEASE_MS, type LeaseStore } from '../../src/store/lease-store';
import type { MaintenanceStore } from '../../src/store/maintenance-store';
import type { Stepper } from '../../src/engine/stepper';

/**
 * How far Redis `TIME` and the monotonic clock of this process may drift apart before the reaper does not trust them.
 */
const DRIFT_MAX_MS = 1_000;

/** How long after its lease a dead worker's browsers are certainly gone, because its keeper ends them by itself. */
const KEEPER_GRACE_MS = 15_000;

/** Dependencies of {@link Reaper}. */
export interface ReaperParts {
  readonly leases: LeaseStore;
  readonly closing: ClosingStore;
  readonly maintenance: MaintenanceStore;
  readonly stepper: Stepper;
  readonly report: Report;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Fails the sessions of workers whose lease has lapsed. It acts only when it can distinguish a dead worker from a dead
 * Redis: its own contact with this one Redis process must exceed the lease, and Redis' clock must run like the clock of
 * this process. All its other waits use the monotonic clock, because the clock of Redis may be set.
 */
export class Reaper {
  #contactSinceMs: number | null = null;
  #lastLookMs = 0;
  #clockOffsetMs: number | null = null;
  #runId: string | null = null;
  /** When each obligation was first seen, by the monotonic clock. */
  #owedSinceMs = new Map<string, number>();
  /** Sessions of dead workers that could not be stepped at the last look; logged once. */
  #unsettled: ReadonlySet<SessionRef> = new Set();

  constructor(private readonly parts: ReaperParts) {}

  /** Call about once a second in every process; `run` does the work and answers how many sessions it ended. */
  async look(run: boolean): Promise<number> {
    const nowMs = await this.#touch();
    if (nowMs === null || !run) return 0;
    let ended = 0;
    const unsettled = new Set<SessionRef>();
    for (const workerId of await this.parts.leases.lapsed(nowMs)) {
      ended += await this.#reap(workerId, unsettled);
    }
    this.#unsettled = unsettled;
    await this.#dropObligationsOfLostWorkers(nowMs);
    return ended;
  }

  /** Forgets how long Redis was reachable; called when the connection is lost. */
  contactLost(): void {
    this.#contactSinceMs = null;
    this.#clockOffsetMs = null;
  }

  /* Redis `TIME` if it can be trusted, else null. */
  async #touch(): Promise<number | null> {
    const [nowMs, runId] = await Promise.all([
      this.parts.maintenance.nowMs(),
      this.parts.maintenance.serverRunId(),
    ]).catch((error: unknown) => {
      this.contactLost();
      throw error;
    });
    const monotonicMs = this.parts.clock.monotonicMs();
    const offsetMs = nowMs - monotonicMs;
    const frozen = monotonicMs - this.#lastLookMs > LEASE_MS / 2;
    const drifted = this.#clockOffsetMs !== null && Math.abs(offsetMs - this.#clockOffsetMs) > DRIFT_MAX_MS;
    const restarted = this.#runId !== runId;
    this.#lastLookMs = monotonicMs;
    this.#clockOffsetMs = offsetMs;
    this.#runId = runId;
    if (this.#contactSinceMs === null || drifted || frozen || restarted) this.#contactSinceMs = monotonicMs;
    return monotonicMs - this.#contactSinceMs > LEASE_MS ? nowMs : null;
  }

  async #reap(workerId: string, unsettled: Set<SessionRef>): Promise<number> {
    const owned = await this.parts.leases.owned(workerId);
    let ended = 0;
    let settled = 0;
    for (const ref of owned) {
      try {
        if (await this.#reapSession(ref, workerId)) ended += 1;
        settled += 1;
      } catch (error) {
        if (isRedisAway(error)) throw error;
        // A row of a newer version, or a damaged one: the sessions after it end nevertheless.
        unsettled.add(ref);
        if (!this.#unsettled.has(ref))
          this.parts.log.warn({ session: ref, worker: workerId, err: error }, 'a session cannot be reaped');
      }
    }
    if (settled > 0) this.parts.report.repaired('reaper', settled, { worker: workerId, ended });
    // Obligations are kept until the worker's keeper has certainly acted; then the worker is forgotten as well.
    const owed = (await this.parts.closing.all()).some(entry => entry.workerId === workerId);
    if (owned.length === 0 && !owed) {
      await this.parts.leases.drop(workerId);
      this.parts.log.warn(
        { worker: workerId },
        'worker removed: its lease has lapsed and it owns no session',
      );
    }
    return ended;
  }

  async #reapSession(ref: SessionRef, workerId: string): Promise<boolean> {
    const outcome = await this.parts.stepper.apply({
      ref,
      cause: 'lease_lapsed',
      actor: 'sweep',
      asReaperOf: workerId,
      event: (record, nowMs) => {
        const { owner } = record.snapshot.context;
        return owner?.workerId === workerId ? { type: 'WORKER_LOST', nowMs, fence: owner.fence } : null;
      },
    });
    return outcome.kind === 'committed';
  }

  async #dropObligationsOfLostWorkers(nowMs: number): Promise<void> {
    const held = new Set(await this.parts.leases.held(nowMs));
    const monotonicMs = this.#lastLookMs;
    const owedSinceMs = new Map<string, number>();
    for (const { ref, claimId, workerId, saves } of await this.parts.closing.all()) {
      const sinceMs = this.#owedSinceMs.get(claimId) ?? monotonicMs;
      owedSinceMs.set(claimId, sinceMs);
      if (held.has(workerId) || monotonicMs - sinceMs < KEEPER_GRACE_MS) continue;
      const problem = { code: 'worker_lost', message: 'the worker was lost before it had saved the context' };
      const lost = { saveId: null, atMs: nowMs, version: null, isCurrent: false, problem };
      await this.parts.closing.acknowledge(ref, claimId, saves ? lost : null);
    }
    this.#owedSinceMs = owedSinceMs;
  }
}
