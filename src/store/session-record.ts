import type { MachineEvent } from '../../machines/session/session.events';
import type { ContextSave, Fence, SessionInput, SessionSnapshot } from '../../machines/session/session.types';
import type { SessionStatus } from '../../machines/session/session.words';
import type { StepResult } from '../../machines/step';
import type { QuotaName, TenantQuotas } from '../config/quotas';
import type { SessionRef } from '../core/ids';
import type { QuotaBudget } from '../core/quota-exceeded';
import type { Traffic } from '../core/traffic';

/* The types that are read from the session store and written to it. */

/** A session as the store knows it, at one moment of Redis `TIME`. */
export interface SessionRecord {
  readonly ref: SessionRef;
  readonly revision: number;
  readonly snapshot: SessionSnapshot;
  /** Hash of the body it was created with. */
  readonly fingerprint: string;
  readonly lastActivityMs: number | null;
  readonly attachedAtMs: number | null;
  readonly presentAtMs: number | null;
  /** How often its connect token was rotated. */
  readonly tokenGeneration: number;
  /** What became of the save of its context at its end; null: there was none, or not yet. */
  readonly finalSave: ContextSave | null;
  /** What has gone through its forward proxy; null: it had none, or its browser is not known to be gone. */
  readonly traffic: Traffic | null;
  /** The row was written by a newer version, or is damaged: the snapshot holds the readable part, for readers only. */
  readonly isPartial?: true;
}

/** How many operations a row remembers, one for each of its last revisions; `commit-session-22.lua` keeps as many. */
export const OPERATIONS_KEPT = 8;

/** The result of reading a session; the record is null if there is no such session. */
export interface LoadedSession {
  readonly nowMs: number;
  readonly record: SessionRecord | null;
  /** The ids of the last operations that were applied to it. */
  readonly applied: readonly string[];
}

/** Who did what and why, for the history. */
export interface HistoryCause {
  /** The event's type in lower case, or `created`. */
  readonly event: string;
  /** Why: an end reason, a timer kind, or a short text. */
  readonly cause: string;
  /** By whom: `key:<tenant>`, `timer`, `worker:<id>`, `sweep`, `gateway`. */
  readonly actor: string;
}

/** A line of a session's history before the commit numbers and dates it. */
export interface NewHistoryEntry extends HistoryCause {
  readonly from: SessionStatus | null;
  readonly to: SessionStatus;
  /**
   * The input of the machine: folding all inputs of a history gives the row. The input of a creation lacks the sealed
   * part. Lines of versions before this field lack it.
   */
  readonly input?: MachineEvent | SessionInput;
}

/** One line of a session's history. `seq` is gap-free and equals the revision it made. */
export interface HistoryEntry extends NewHistoryEntry {
  readonly seq: number;
  readonly at: number;
}

/** A step to commit: the record that was read, and the machine's next snapshot. */
export interface Commit {
  readonly before: SessionRecord;
  readonly event: MachineEvent;
  readonly after: StepResult;
  /** Applied at most once per session; a repeat gets the first answer. */
  readonly opId: string;
  readonly cause: HistoryCause['cause'];
  readonly actor: HistoryCause['actor'];
  /** Committed only if the owner has this fence. */
  readonly asOwner: Fence | null;
  /** Committed only if this worker's lease has lapsed. */
  readonly asReaperOf: string | null;
}

/** The answer of the commit script. */
export type CommitAnswer =
  | { readonly answer: 'OK'; readonly revision: number }
  | {
      readonly answer: 'REPLAY' | 'CONFLICT' | 'FENCED' | 'UPGRADE_REQUIRED' | 'LATE';
      readonly revision: number;
    }
  | { readonly answer: 'TERMINAL'; readonly revision: number; readonly status: SessionStatus }
  | {
      readonly answer: 'EARLY';
      readonly revision: number;
      readonly nowMs: number;
      readonly askAgainAtMs: number;
    }
  | { readonly answer: 'MISSING' };

/** A session to accept. */
export interface Creation {
  readonly input: SessionInput;
  readonly first: StepResult;
  readonly fingerprint: string;
  readonly opId: string;
  readonly actor: string;
  readonly idempotency: { readonly key: string; readonly ttlMs: number } | null;
  /** What the tenant may have. */
  readonly quotas: TenantQuotas;
}

/** A session that was created before; `fingerprint` shows whether it was with the same body. */
export interface CreatedBefore {
  readonly ref: SessionRef;
  readonly fingerprint: string;
}

/** The answer of the create script. */
export type CreateAnswer =
  /** `turn`: the session's place in the order of launches. */
  | { readonly answer: 'OK'; readonly turn: number; readonly budgets: readonly QuotaBudget[] }
  | { readonly answer: 'REPLAY' }
  | QuotaAnswer
  /** The id, or the Idempotency-Key, was used before. */
  | ({ readonly answer: 'EXISTS' | 'IDEMPOTENT' } & CreatedBefore);

/** A quota of the tenant is used up; `waitMs`: for so long, 0 if that is not known. */
export interface QuotaAnswer {
  readonly answer: 'QUOTA';
  readonly quota: QuotaName;
  readonly waitMs: number;
  readonly budgets: readonly QuotaBudget[];
}
