import { EFFECT_KINDS, type SessionEffect } from '../../machines/session/session.effects';
import type { Deadlines } from '../../machines/session/session.types';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Producer } from '../queue/producer';
import type { LeftEffect, MaintenanceStore } from '../store/maintenance-store';
import { pendingEffects } from '../store/session-commit';

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
    effects: readonly SessionEffect[],
    nowMs: number,
  ): Promise<void> {
    try {
      await this.#carryOut(ref, effects, pendingEffects(ref, revision, effects), nowMs);
    } catch (error) {
      this.log.warn({ session: ref, revision, err: error }, 'effects are left to the sweep');
    }
  }

  /**
   * Carries out one effect that a crash left behind.
   *
   * @throws for one that cannot be read or is of a kind that this version does not know: it is not ours to forget.
   */
  async carryOutLeft({ member, pending }: LeftEffect, nowMs: number): Promise<void> {
    if (pending === null || !EFFECT_KINDS.includes(pending.effect.kind)) throw new Error('an unknown effect');
    await this.#carryOut(pending.ref, [pending.effect], [member], nowMs);
  }

  /* The commit that follows may be carried out first, by another process: its cancels find nothing then, and what is
     armed here afterwards would stay in its queue until it is due, up to a day after the session has ended. */
  async #carryOut(
    ref: SessionRef,
    effects: readonly SessionEffect[],
    stored: readonly string[],
    nowMs: number,
  ): Promise<void> {
    if (effects.length === 0) return;
    await Promise.all(effects.map(effect => this.producer.carryOut(ref, effect, nowMs)));
    const deadlines = await this.store.acknowledgeEffects(ref, stored);
    const overtaken = effects.flatMap(effect => takenBack(effect, deadlines) ?? []);
    await Promise.all(overtaken.map(effect => this.producer.carryOut(ref, effect, nowMs)));
  }
}

/** What undoes an effect that the row does not want any more; null while it does. */
function takenBack(effect: SessionEffect, deadlines: Deadlines): SessionEffect | null {
  switch (effect.kind) {
    case 'timer.arm':
      return deadlines[effect.timer] === effect.deadlineMs ? null : { ...effect, kind: 'timer.cancel' };
    case 'launch.enqueue':
      return deadlines.queue === undefined ? { ...effect, kind: 'launch.cancel' } : null;
    // A deadline may come back: extended, and shortened to what it was. Then this has removed the job armed meanwhile.
    case 'timer.cancel':
      return deadlines[effect.timer] === effect.deadlineMs ? { ...effect, kind: 'timer.arm' } : null;
    case 'launch.cancel':
      return null;
  }
}
