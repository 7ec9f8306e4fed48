import { isQueuedBy } from '../../machines/session/session.deadlines';
import { EFFECT_KINDS, type SessionEffect } from '../../machines/session/session.effects';
import type { Deadlines } from '../../machines/session/session.types';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Producer } from '../queue/producer';
import type { LeftEffect, MaintenanceStore } from '../store/maintenance-store';
import { pendingEffects } from '../store/session-commit';

/** Enqueues committed effects and then forgets them. Effects left behind by a crash are enqueued later by a sweep. */
export class EffectRelay {
  constructor(
    private readonly producer: Producer,
    private readonly store: MaintenanceStore,
    private readonly log: Logger,
  ) {}

  /**
   * Carries out the effects of a commit. Never throws: the commit is done, and its effects are stored with it.
   *
   * @param revision - the revision the commit made
   * @param turn - the session's turn to be launched, if the commit has just given it one
   */
  async afterCommit(
    ref: SessionRef,
    revision: number,
    effects: readonly SessionEffect[],
    nowMs: number,
    turn: number | null = null,
  ): Promise<void> {
    try {
      await this.#carryOut(ref, effects, pendingEffects(ref, revision, effects), nowMs, turn);
    } catch (error) {
      this.log.warn(
        { session: ref, revision, err: error },
        'effects could not be relayed; the sweep will relay them',
      );
    }
  }

  /**
   * Carries out one effect that a crash left behind.
   *
   * @throws for one that cannot be read or is of a kind that this version does not know: it must not be forgotten.
   */
  async carryOutLeft({ member, pending }: LeftEffect, nowMs: number): Promise<void> {
    if (pending === null || !EFFECT_KINDS.includes(pending.effect.kind))
      throw new Error('the effect is of an unknown kind');
    await this.#carryOut(pending.ref, [pending.effect], [member], nowMs);
  }

  /*
   * The commit that follows may be carried out first, by another process: its cancels find nothing then, and a timer
   * armed here afterwards would stay in its queue until it is due, up to a day after the session has ended.
   */
  async #carryOut(
    ref: SessionRef,
    effects: readonly SessionEffect[],
    stored: readonly string[],
    nowMs: number,
    turn: number | null = null,
  ): Promise<void> {
    if (effects.length === 0) return;
    await Promise.all(effects.map(effect => this.producer.carryOut(ref, effect, nowMs, turn)));
    const deadlines = await this.store.acknowledgeEffects(ref, stored);
    const overtaken = effects.flatMap(effect => undoOf(effect, deadlines) ?? []);
    await Promise.all(overtaken.map(effect => this.producer.carryOut(ref, effect, nowMs)));
  }
}

/** The effect that undoes one that no longer agrees with the row; null while it does. */
function undoOf(effect: SessionEffect, deadlines: Deadlines): SessionEffect | null {
  switch (effect.kind) {
    case 'timer.arm':
      return deadlines[effect.timer] === effect.deadlineMs ? null : { ...effect, kind: 'timer.cancel' };
    case 'launch.enqueue':
      return isQueuedBy(deadlines) ? null : { ...effect, kind: 'launch.cancel' };
    // A deadline may come back: extended, then shortened to what it was. The cancel has then removed the job that was
    // armed meanwhile.
    case 'timer.cancel':
      return deadlines[effect.timer] === effect.deadlineMs ? { ...effect, kind: 'timer.arm' } : null;
    case 'launch.cancel':
      return null;
  }
}
