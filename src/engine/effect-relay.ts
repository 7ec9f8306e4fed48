import { effectsBetween } from '../../machines/session/session.effects';
import type { SessionSnapshot } from '../../machines/session/session.types';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Producer } from '../queue/producer';
import type { MaintenanceStore } from '../store/maintenance-store';
import { pendingEffects, type PendingEffect } from '../store/session-store';

/** Carries committed effects into the queues and forgets them then. What a crash leaves, a sweep carries later. */
export class EffectRelay {
  constructor(
    private readonly producer: Producer,
    private readonly store: MaintenanceStore,
    private readonly log: Logger,
  ) {}

  /**
   * Carries out what a commit has just made necessary. Never throws: the commit stands, and the effects with it.
   *
   * @param revision - the revision the commit made
   */
  async afterCommit(
    ref: SessionRef,
    revision: number,
    before: SessionSnapshot | null,
    after: SessionSnapshot,
    nowMs: number,
  ): Promise<void> {
    const effects = effectsBetween(before, after);
    try {
      await Promise.all(effects.map(effect => this.producer.carryOut(ref, effect, nowMs)));
      await this.store.acknowledgeEffects(pendingEffects(ref, revision, before, after));
    } catch (error) {
      this.log.warn({ session: ref, revision, err: error }, 'effects are left to the sweep');
    }
  }

  /** Carries out effects that a crash left behind. */
  async carryOutLeftOver(pending: readonly PendingEffect[], nowMs: number): Promise<void> {
    for (const entry of pending) {
      await this.producer.carryOut(entry.ref, entry.effect, nowMs);
      await this.store.acknowledgeEffects([JSON.stringify(entry)]);
    }
  }
}
