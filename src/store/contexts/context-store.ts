import type { ContextChange as Change } from '../../../machines/session/session.words';
import { contextRefOf, parseRef, type ContextRef } from '../../core/ids';
import type { Redis } from '../../redis/connection';
import { indexMember, keys } from '../../redis/keys';
import type { ScriptReply, ScriptRunner } from '../../redis/script-runner';
import { labelDelta, labelEntries } from '../label-index';
import {
  ANSWER_KEPT_MS,
  type ContextChange,
  type ContextRecord,
  type CreateContextAnswer,
  type NewContext,
} from './context-record';
import { NOTICES_MAX, type ContextNotice } from '../notice-stream';
import { BLOB_GRACE_MS } from './doomed-blobs';

/** The answer to a change that was made from a record. */
export type ChangeAnswer = 'OK' | 'REPLAY' | 'MISSING' | 'CONFLICT';

/** Reads and writes the rows of contexts; their versions have a store of their own. */
export class ContextStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** A context; null if there is no such one. */
  async find(ref: ContextRef): Promise<ContextRecord | null> {
    return recordOf(ref, await this.redis.hgetall(keys.context(ref)));
  }

  /** The id of the context that has a name; null if none has it. */
  async idOfName(tenant: string, name: string): Promise<string | null> {
    return this.redis.hget(keys.contextNames(tenant), name);
  }

  /** Whether an operation was applied to a context, which may not exist any more. */
  async wasAnswered(ref: ContextRef, opId: string): Promise<boolean> {
    return (await this.redis.exists(keys.contextAnswer(ref, opId))) === 1;
  }

  /** Makes a context, or answers why not. Of several at once with one name, one is made. */
  async create(context: NewContext): Promise<CreateContextAnswer> {
    const { tenant, id, name, labels, createdAtMs, requestKey, fingerprint, contextsMax } = context;
    const ref = contextRefOf(tenant, id);
    const reply = await this.scripts.run(
      'createContext',
      [
        keys.context(ref),
        keys.contextNames(tenant),
        keys.contextIndexAll(tenant),
        keys.idempotency(tenant, requestKey),
        keys.notices,
        ...labelEntries(labels).map(label => keys.contextIndexLabel(tenant, label)),
      ],
      [
        JSON.stringify({
          ref,
          id,
          name: name ?? '',
          member: indexMember(createdAtMs, id),
          createdAtMs,
          fingerprint,
          recordTtlMs: ANSWER_KEPT_MS,
          contextsMax,
          ...noticeArgs(ref, 'created'),
        }),
        JSON.stringify(labels),
      ],
    );
    return createAnswerOf(reply);
  }

  /** Changes name and labels, if the context still has the revision of the record. `EXISTS`: another has the name. */
  async update(change: ContextChange): Promise<ChangeAnswer | 'EXISTS'> {
    const { before, opId, name, labels } = change;
    const { ref, tenant, id, revision, createdAtMs } = before;
    const { left, joined } = labelDelta(before.labels, labels);
    const [answer] = asList(
      await this.scripts.run(
        'updateContext',
        [
          keys.context(ref),
          keys.contextNames(tenant),
          keys.contextAnswer(ref, opId),
          keys.notices,
          ...[...left, ...joined].map(label => keys.contextIndexLabel(tenant, label)),
        ],
        [
          JSON.stringify({
            rev: revision,
            id,
            name: name ?? '',
            member: indexMember(createdAtMs, id),
            labelsLeft: left.length,
            answerTtlMs: ANSWER_KEPT_MS,
            ...noticeArgs(ref, 'updated'),
          }),
          JSON.stringify(labels),
        ],
      ),
    );
    return answer === 'EXISTS' ? answer : changeAnswerOf(answer);
  }

  /**
   * Removes a context with its versions, if it still has the revision of the record. Sessions may have it mounted, or
   * save into it: their saves are then answered with `MISSING`.
   */
  async remove(before: ContextRecord, opId: string): Promise<ChangeAnswer> {
    const { ref, tenant, id, revision, createdAtMs, labels } = before;
    const member = indexMember(createdAtMs, id);
    const [answer] = asList(
      await this.scripts.run(
        'removeContext',
        [
          keys.context(ref),
          keys.contextVersions(ref),
          keys.contextWriters(ref),
          keys.contextNames(tenant),
          keys.contextIndexAll(tenant),
          keys.doomedBlobs,
          keys.contextBytes,
          keys.contextAnswer(ref, opId),
          keys.notices,
          ...labelEntries(labels).map(label => keys.contextIndexLabel(tenant, label)),
        ],
        [
          JSON.stringify({
            rev: revision,
            tenant,
            member,
            graceMs: BLOB_GRACE_MS,
            answerTtlMs: ANSWER_KEPT_MS,
            ...noticeArgs(ref, 'deleted'),
          }),
        ],
      ),
    );
    return changeAnswerOf(answer);
  }
}

/** What a script needs to publish a change; it adds revision and time. */
export function noticeArgs(ref: ContextRef, change: Change, version?: number): object {
  const what = version === undefined ? { change } : { change, version, isCurrent: true };
  const notice: Omit<ContextNotice, 'rev' | 'at'> = { type: 'context', ref: '', context: ref, ...what };
  return { notice, noticesMax: NOTICES_MAX };
}

/** The fields of a reply. */
export function asList(reply: ScriptReply): readonly (ScriptReply | undefined)[] {
  if (!Array.isArray(reply)) throw new Error(`unexpected reply ${JSON.stringify(reply)}`);
  return reply;
}

function createAnswerOf(reply: ScriptReply): CreateContextAnswer {
  const [answer, context, fingerprint] = asList(reply);
  switch (answer) {
    case 'OK':
      return { answer };
    case 'EXISTS':
      return { answer, id: String(context) };
    case 'QUOTA':
      return { answer, limit: Number(context) };
    case 'IDEMPOTENT':
      // A session, whose create used the key: its fingerprint is never the one of a context.
      return { answer, id: parseRef(String(context))?.id ?? '', fingerprint: String(fingerprint) };
    default:
      throw new Error(`create-context answered ${String(answer)}`);
  }
}

/** The answer of a script that changes a context. */
export function changeAnswerOf(answer: ScriptReply | undefined): ChangeAnswer {
  if (answer === 'OK' || answer === 'REPLAY' || answer === 'MISSING' || answer === 'CONFLICT') return answer;
  throw new Error(`a script answered ${String(answer)}`);
}

function recordOf(ref: ContextRef, row: Readonly<Record<string, string>>): ContextRecord | null {
  const named = parseRef(ref);
  const { rev, name = '', labels = '{}', cur, last, at, upd, bytes } = row;
  if (rev === undefined || named === null) return null;
  return {
    ref,
    ...named,
    name: name === '' ? null : name,
    // SAFETY: the scripts write what `create` and `update` have stringified.
    labels: JSON.parse(labels) as ContextRecord['labels'],
    revision: Number(rev),
    currentVersion: Number(cur),
    latestVersion: Number(last),
    createdAtMs: Number(at),
    updatedAtMs: Number(upd),
    bytes: Number(bytes),
  };
}
