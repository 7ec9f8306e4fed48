import { setTimeout as delay } from 'node:timers/promises';
import { eventName, type MachineEvent } from '../../machines/session/session.events';
import type { Fence } from '../../machines/session/session.types';
import { statusOf } from '../../machines/session/session.view';
import { isEnded } from '../../machines/session/session.words';
import { step } from '../../machines/step';
import { randomId, type SessionRef } from '../core/ids';
import type { Report } from '../metrics/report';
import type { SessionStore } from '../store/session-store';
import type { CommitAnswer, LoadedSession, SessionRecord } from '../store/session-record';
import type { EffectRelay } from './effect-relay';
import { effectsToCarryOut } from './timer-jobs';

/** An event for a session. */
export interface StepRequest {
  readonly ref: SessionRef;
  /** Applied at most once; a repeat gets the first answer. Left out: every call is an operation of its own. */
  readonly opId?: string;
  readonly cause: string;
  readonly actor: string;
  /** Makes the event from the record that was read; null: no event for a session in this state. */
  readonly event: (record: SessionRecord, nowMs: number) => MachineEvent | null;
  readonly asOwner?: Fence;
  readonly asReaperOf?: string;
  /** Asked together with the reading of the session; true: there is no event for it. */
  readonly isRefused?: () => Promise<boolean>;
  /** Saves the reading, if the caller knows the session: see {@link KnownSession}. Null: it is read. */
  readonly known?: () => KnownSession | null;
  /**
   * Does not wait until the effects are in their queues, see {@link EffectRelay.afterCommit}: somebody waits for more.
   */
  readonly isUrgent?: boolean;
}

/** A session as its caller has committed it a moment ago. If it was changed meanwhile, the commit shows that. */
export interface KnownSession {
  readonly record: SessionRecord;
  /** Redis `TIME` now. */
  readonly nowMs: number;
}

/** The outcome of {@link Stepper.apply}. */
export type StepOutcome =
  | { readonly kind: 'committed' | 'replayed'; readonly record: SessionRecord; readonly nowMs: number }
  /** The state does not accept the event; nothing was written. */
  | { readonly kind: 'ignored' | 'ended' | 'fenced'; readonly record: SessionRecord; readonly nowMs: number }
  /** The deadline (or lease) has not passed; `askAgainAtMs` is Redis `TIME`. */
  | { readonly kind: 'early'; readonly askAgainAtMs: number; readonly nowMs: number }
  | { readonly kind: 'missing' };

/* The operation is not known to have been applied: if it was, the commit answers `REPLAY`. */
const unread = (known: KnownSession): LoadedSession => ({ ...known, applied: [] });

/** Thrown when a session is written to faster than this process can read it; the caller tries again later. */
export class ContentionError extends Error {
  constructor(ref: SessionRef) {
    super(`${ref} was changed by other processes in every try`);
    this.name = 'ContentionError';
  }
}

const MAX_TRIES = 20;

/**
 * Read, decide, commit: the one way an event reaches a session. A session is an actor whose state is its row and
 * which handles one event at a time by compare-and-set; on a conflict the step is taken again from a fresh read.
 */
export class Stepper {
  constructor(
    private readonly store: SessionStore,
    private readonly relay: EffectRelay,
    private readonly report: Report,
  ) {}

  /**
   * Offers an event to a session and commits what follows.
   *
   * @throws ContentionError, what {@link SessionStore.load} throws, or what Redis throws while it is away.
   */
  async apply(request: StepRequest): Promise<StepOutcome> {
    const opId = request.opId ?? randomId();
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const known = tries === 1 ? (request.known?.() ?? null) : null;
      const outcome = await this.#tryOnce(request, opId, known);
      if (outcome !== 'conflict') return outcome;
      await delay(Math.random() * 2 * tries);
    }
    throw new ContentionError(request.ref);
  }

  async #tryOnce(
    request: StepRequest,
    opId: string,
    known: KnownSession | null,
  ): Promise<StepOutcome | 'conflict'> {
    const [{ record, nowMs, applied }, isRefused] = await Promise.all([
      known === null ? this.store.load(request.ref) : unread(known),
      request.isRefused?.() ?? false,
    ]);
    if (record === null) return { kind: 'missing' };
    // Checked before the state: an operation that has changed the session would not be accepted a second time.
    if (applied.includes(opId)) return { kind: 'replayed', record, nowMs };
    const event = isRefused ? null : request.event(record, nowMs);
    const stepped = event === null ? null : step(record.snapshot, event);
    if (event === null || stepped === null || !stepped.accepted) {
      return { kind: isEnded(statusOf(record.snapshot)) ? 'ended' : 'ignored', record, nowMs };
    }
    const { cause, actor } = request;
    const effects = effectsToCarryOut(stepped.effects, nowMs);
    const answer = await this.store.commit({
      ...{ before: record, event, after: { ...stepped, effects }, opId, cause, actor },
      asOwner: request.asOwner ?? null,
      asReaperOf: request.asReaperOf ?? null,
    });
    if (answer.answer !== 'OK') return this.#refused(request.ref, answer, record, nowMs);
    const after: SessionRecord = { ...record, revision: answer.revision, snapshot: stepped.snapshot };
    this.report.transition({
      ref: request.ref,
      revision: answer.revision,
      ...{ event: eventName(event), cause, actor },
      before: record.snapshot,
      after: stepped.snapshot,
      nowMs,
    });
    const relayed = this.relay.afterCommit(request.ref, answer.revision, effects, nowMs);
    if (request.isUrgent !== true) await relayed;
    return { kind: 'committed', record: after, nowMs };
  }

  async #refused(
    ref: SessionRef,
    answer: Exclude<CommitAnswer, { answer: 'OK' }>,
    record: SessionRecord,
    nowMs: number,
  ): Promise<StepOutcome | 'conflict'> {
    switch (answer.answer) {
      case 'CONFLICT':
      case 'TERMINAL': // read again: the fresh record says how it ended
      case 'LATE': // read again: at the current time the machine refuses the claim
      case 'UPGRADE_REQUIRED': // read again: reading refuses it
        return 'conflict';
      case 'REPLAY':
        return this.#replayed(ref);
      case 'FENCED':
        return { kind: 'fenced', record, nowMs };
      case 'EARLY':
        return { kind: 'early', askAgainAtMs: answer.askAgainAtMs, nowMs: answer.nowMs };
      case 'MISSING':
        return { kind: 'missing' };
    }
  }

  /* A connection that broke after the script ran sends it again: the result of the first run is the answer. */
  async #replayed(ref: SessionRef): Promise<StepOutcome> {
    const { record, nowMs } = await this.store.load(ref);
    return record === null ? { kind: 'missing' } : { kind: 'replayed', record, nowMs };
  }
}
