import type {
  Commit,
  CommitAnswer,
  CreateAnswer,
  CreatedBefore,
  Creation,
  LoadedSession,
  QuotaAnswer,
  SessionRecord,
} from './session-record';
import { readNewerSnapshot } from '../../machines/session/session.newer';
import { MACHINE_VERSION, upgradeSnapshot } from '../../machines/session/session.versions';
import type { SessionStatus } from '../../machines/session/session.words';
import { CREATES_WINDOW_MS, type QuotaName, type TenantQuotas } from '../config/quotas';
import { refOf, type SessionRef } from '../core/ids';
import type { QuotaBudget } from '../core/quota-exceeded';
import type { Redis } from '../redis/connection';
import { indexMember, keys } from '../redis/keys';
import type { ScriptReply, ScriptRunner } from '../redis/script-runner';
import { labelEntries } from './label-index';
import { NOTICES_MAX } from './notice-stream';
import { commitArgs, commitKeys, pendingEffects } from './session-commit';
import { encodeCreation, encodeSnapshot } from './session-encoding';
import { isEndedRow, loadedRow, recordOf, type LoadedRow, type ReadSnapshot } from './session-row';

/** Reads and writes session rows; every write goes through one of two scripts. */
export class SessionStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /**
   * Reads a session together with Redis `TIME`, the only clock that enters an event. An ended session of a newer
   * version is read as far as possible, since nothing is committed to it any more (I3).
   *
   * @throws NewerMachineVersionError for a session of a newer version that has not ended; UnknownStateError.
   */
  async load(ref: SessionRef): Promise<LoadedSession> {
    return this.#loadOne(ref, ({ stored, mv, fields }) =>
      mv > MACHINE_VERSION && isEndedRow(fields)
        ? { snapshot: readNewerSnapshot(stored, fields), isPartial: true }
        : { snapshot: upgradeSnapshot(stored, mv) },
    );
  }

  /** Reads a session for display. One that {@link load} refuses is read in part ({@link SessionRecord.isPartial}). */
  async read(ref: SessionRef): Promise<LoadedSession> {
    return this.#loadOne(ref, readForDisplay);
  }

  /** The same for many, all at one moment: in the order of `refs`, null for those that do not exist. */
  async readAll(
    refs: readonly SessionRef[],
  ): Promise<Pick<LoadedSession, 'nowMs'> & { readonly records: readonly (SessionRecord | null)[] }> {
    if (refs.length === 0) return { nowMs: 0, records: [] };
    const { nowMs, rows } = await this.#load(refs);
    return { nowMs, records: rows.map(row => row && recordOf(row, readForDisplay)) };
  }

  /** Accepts a session, or answers why not. Nothing is written unless the answer is OK. */
  async create(creation: Creation): Promise<CreateAnswer> {
    const { input, idempotency } = creation;
    const { snapshot, effects } = creation.first;
    const { tenant, id, createdAtMs, labels } = snapshot.context;
    const ref = refOf(tenant, id);
    const labelKeys = labelEntries(labels);
    const transition = { event: 'created', from: null, to: 'created' } as const;
    const line = { ...transition, cause: 'requested', actor: creation.actor };
    const reply = await this.scripts.run('createSession', createKeys(tenant, id, labelKeys, idempotency), [
      JSON.stringify({
        ...createChecks(creation.quotas, idempotency),
        ref,
        tenant,
        opId: creation.opId,
        mv: MACHINE_VERSION,
        member: indexMember(createdAtMs, id),
        fingerprint: creation.fingerprint,
        deadlines: snapshot.context.deadlines,
        effects: pendingEffects(ref, 1, effects),
        notice: { type: 'transition', ref, opId: creation.opId, ...transition },
        noticesMax: NOTICES_MAX,
        labelKeys,
        weight: creation.quotas.weight,
        checkOnly: false,
      }),
      encodeSnapshot(snapshot),
      encodeCreation(line, input),
    ]);
    return createAnswerOf(reply);
  }

  /** What {@link create} would answer about the quotas of a tenant now; null: they would let it pass. */
  async quotaInTheWay(tenant: string, id: string, quotas: TenantQuotas): Promise<QuotaAnswer | null> {
    const command = { ...createChecks(quotas, null), opId: '', ref: refOf(tenant, id), checkOnly: true };
    const reply = await this.scripts.run('createSession', createKeys(tenant, id, [], null), [
      JSON.stringify(command),
    ]);
    const answer = createAnswerOf(reply);
    return answer.answer === 'QUOTA' ? answer : null;
  }

  /** The session that an Idempotency-Key has created; null if it was not used, or is forgotten. */
  async idempotent(tenant: string, idempotencyKey: string): Promise<CreatedBefore | null> {
    const record = await this.redis.get(keys.idempotency(tenant, idempotencyKey));
    // SAFETY: only the create script writes it.
    return record === null ? null : (JSON.parse(record) as CreatedBefore);
  }

  /** Commits a step: everything of it or nothing (I1–I6, I8). */
  async commit(commit: Commit): Promise<CommitAnswer> {
    if (commit.before.isPartial === true)
      throw new Error(`${commit.before.ref} was read only in part and cannot be written`);
    const reply = await this.scripts.run('commitSession', commitKeys(commit), commitArgs(commit));
    const [answer, revision, nowMs, extra] = fieldsOf(reply);
    switch (answer) {
      case 'OK':
      case 'REPLAY':
      case 'CONFLICT':
      case 'FENCED':
      case 'UPGRADE_REQUIRED':
      case 'LATE':
        return { answer, revision: Number(revision) };
      case 'TERMINAL':
        // SAFETY: the script answers with the row's status, which only it writes.
        return { answer, revision: Number(revision), status: extra as SessionStatus };
      case 'EARLY':
        return {
          answer,
          revision: Number(revision),
          nowMs: Number(nowMs),
          askAgainAtMs: Number(extra),
        };
      case 'MISSING':
        return { answer };
      default:
        throw new Error(`commit-session answered ${String(answer)}`);
    }
  }

  /** Gives a session that has not ended another connect token. */
  async rotateToken(ref: SessionRef): Promise<'OK' | 'MISSING' | 'ENDED'> {
    const reply = Number(
      await this.scripts.run('rotateToken', [keys.row(ref), keys.notices], [ref, NOTICES_MAX]),
    );
    return reply > 0 ? 'OK' : reply === -1 ? 'MISSING' : 'ENDED';
  }

  async #loadOne(ref: SessionRef, read: ReadSnapshot): Promise<LoadedSession> {
    const { nowMs, rows } = await this.#load([ref]);
    const row = rows[0] ?? null;
    if (row === null) return { nowMs, record: null, applied: [] };
    return { nowMs, record: recordOf(row, read), applied: row.applied };
  }

  async #load(refs: readonly SessionRef[]): Promise<{ nowMs: number; rows: (LoadedRow | null)[] }> {
    const beside = [keys.activity, keys.attached, keys.present];
    const reply = await this.scripts.runForBytes('loadSessions', [...beside, ...refs.map(keys.row)], refs);
    const [nowMs, ...sessions] = reply;
    const rows = refs.map((ref, i) => loadedRow(ref, sessions[i]));
    return { nowMs: Number(nowMs), rows };
  }
}

/* What {@link SessionStore.load} refuses is read in part. */
const readForDisplay: ReadSnapshot = ({ stored, mv, fields }) => {
  try {
    return { snapshot: upgradeSnapshot(stored, mv) };
  } catch {
    return { snapshot: readNewerSnapshot(stored, fields), isPartial: true };
  }
};

/* The keys of a create, in the order of the script's header. */
function createKeys(
  tenant: string,
  id: string,
  labelKeys: readonly string[],
  idempotency: Creation['idempotency'],
): string[] {
  const ref = refOf(tenant, id);
  return [
    keys.row(ref),
    keys.history(ref),
    keys.indexAll(tenant),
    keys.indexStatus(tenant, 'created'),
    keys.due,
    keys.queued,
    keys.effects,
    keys.notices,
    keys.counts,
    idempotency === null ? keys.none : keys.idempotency(tenant, idempotency.key),
    keys.indexStatus(tenant, 'live'),
    keys.turns,
    keys.turnsOf(tenant),
    keys.servedTurns,
    ...labelKeys.map(label => keys.indexLabel(tenant, label)),
  ];
}

/* The part of the command that the checks of the script read. */
function createChecks(
  { liveSessions, queuedSessions, createsPerMinute }: TenantQuotas,
  idempotency: Creation['idempotency'],
): object {
  return {
    idempotencyTtlMs: idempotency?.ttlMs ?? 0,
    quotas: { liveSessions, queuedSessions, createsPerMinute },
    createsWindowMs: CREATES_WINDOW_MS,
  };
}

function createAnswerOf(reply: ScriptReply): CreateAnswer {
  const [answer, first, second, ...budgets] = fieldsOf(reply);
  switch (answer) {
    case 'OK':
      return { answer, turn: Number(first), budgets: budgetsOf(budgets) };
    case 'REPLAY':
      return { answer };
    case 'QUOTA':
      // SAFETY: the script answers with the name of a quota that it was given.
      return { answer, quota: first as QuotaName, waitMs: Number(second), budgets: budgetsOf(budgets) };
    case 'EXISTS':
    case 'IDEMPOTENT':
      // SAFETY: the script answers with a ref that one of these calls has stored.
      return { answer, ref: String(first) as SessionRef, fingerprint: String(second) };
    default:
      throw new Error(`create-session answered ${String(answer)}`);
  }
}

/* Four values for each quota. */
function budgetsOf(values: readonly (ScriptReply | undefined)[]): QuotaBudget[] {
  return Array.from({ length: values.length / 4 }, (_, at) => {
    const [quota, limit, remaining, moreInMs] = values.slice(4 * at);
    return {
      // SAFETY: as above.
      quota: quota as QuotaName,
      limit: Number(limit),
      remaining: Number(remaining),
      moreInMs: Number(moreInMs),
    };
  });
}

function fieldsOf(reply: ScriptReply): readonly (ScriptReply | undefined)[] {
  if (!Array.isArray(reply)) throw new Error(`unexpected reply ${JSON.stringify(reply)}`);
  return reply;
}
