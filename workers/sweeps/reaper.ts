import type { SessionRef } from '../../src/core/ids';
import type { Logger } from '../../src/core/logger';
import type { Report } from '../../src/metrics/report';
import { isRedisAway } from '../../src/redis/errors';
import type { ClosingStore } from '../../src/store/closing-store';
import type { LeaseStore } from '../../src/store/lease-store';
import type { MaintenanceStore } from '../../src/store/maintenance-store';
import type { Moment, RedisContact } from '../../src/engine/redis-contact';
import type { Stepper } from '../../src/engine/stepper';

/** How long after its lease a dead worker's browsers are certainly gone, because its keeper ends them by itself. */
const KEEPER_GRACE_MS = 15_000;

/** Dependencies of {@link Reaper}. */
export interface ReaperParts {
  readonly leases: LeaseStore;
  readonly closing: ClosingStore;
  readonly maintenance: MaintenanceStore;
  readonly stepper: Stepper;
  readonly report: Report;
  readonly contact: RedisContact;
  readonly log: Logger;
}

/**
 * Fails the sessions of workers whose lease has lapsed. It acts only when it can distinguish a dead worker from a dead
 * Redis (`RedisContact`). All its other waits use the monotonic clock, because the clock of Redis may be set.
 */
export class Reaper {
  /** When each obligation was first seen, by the monotonic clock. */
  #owedSinceMs = new Map<string, number>();
  /** Sessions of dead workers that could not be stepped at the last look; logged once. */
  #unsettled: ReadonlySet<SessionRef> = new Set();

  constructor(private readonly parts: ReaperParts) {}

  /** Call about once a second in every process; `run` does the work and answers how many sessions it ended. */
  async look(run: boolean): Promise<number> {
    const moment = await this.parts.contact.prove();
    if (moment === null || !run) return 0;
    let ended = 0;
    const unsettled = new Set<SessionRef>();
    for (const workerId of await this.parts.leases.lapsed(moment.nowMs)) {
      ended += await this.#reap(workerId, unsettled);
    }
    this.#unsettled = unsettled;
    await this.#dropObligationsOfLostWorkers(moment);
    return ended;
  }

  /** Forgets how long Redis was reachable; called when the connection is lost. */
  contactLost(): void {
    this.parts.contact.lost();
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

  async #dropObligationsOfLostWorkers({ nowMs, monotonicMs }: Moment): Promise<void> {
    const held = new Set(await this.parts.leases.held(nowMs));
    const owedSinceMs = new Map<string, number>();
    for (const { ref, claimId, workerId, saves } of await this.parts.closing.all()) {
      const sinceMs = this.#owedSinceMs.get(claimId) ?? monotonicMs;
      owedSinceMs.set(claimId, sinceMs);
      if (held.has(workerId) || monotonicMs - sinceMs < KEEPER_GRACE_MS) continue;
      const problem = { code: 'worker_lost', message: 'the worker was lost before it had saved the context' };
      const lost = { saveId: null, atMs: nowMs, version: null, isCurrent: false, problem };
      await this.parts.closing.acknowledge(ref, claimId, { save: saves ? lost : null });
    }
    this.#owedSinceMs = owedSinceMs;
  }
}
