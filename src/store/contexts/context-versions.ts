import { parseRef, type ContextRef } from '../../core/ids';
import type { Redis } from '../../redis/connection';
import { keys } from '../../redis/keys';
import type { ScriptRunner } from '../../redis/script-runner';
import {
  ANSWER_KEPT_MS,
  type ContextVersion,
  type VersionAnswer,
  type VersionCommit,
} from './context-record';
import { asList, changeAnswerOf, noticeArgs, type ChangeAnswer } from './context-store';
import { BLOB_GRACE_MS } from './doomed-blobs';

/** The versions of contexts. A version is never changed; one of them is the current one. */
export class ContextVersions {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** The kept versions, the newest first. */
  async all(ref: ContextRef): Promise<ContextVersion[]> {
    const versions = await this.redis.hvals(keys.contextVersions(ref));
    return versions.map(parsed).sort((a, b) => b.version - a.version);
  }

  /** One version; null if it never existed or was dropped. */
  async find(ref: ContextRef, version: number): Promise<ContextVersion | null> {
    const found = await this.redis.hget(keys.contextVersions(ref), String(version));
    return found === null ? null : parsed(found);
  }

  /**
   * Makes a version. It becomes the current one unless another version than its base is, and `onConflict` is `keep`.
   * Then it drops the oldest versions beyond the number to keep, but never the current one or this one.
   *
   * A session that saves more than once passes on what it made as the base of its next save, if that became current.
   */
  async commit(commit: VersionCommit): Promise<VersionAnswer> {
    const { ref, saveId, onConflict, keepVersions, tenantMaxBytes, ...version } = commit;
    const { blobKey, bytes, baseVersion } = version;
    const { tenant } = parseRef(ref) ?? { tenant: '' };
    const reply = await this.scripts.run(
      'commitVersion',
      [
        keys.context(ref),
        keys.contextVersions(ref),
        keys.doomedBlobs,
        keys.contextBytes,
        keys.contextAnswer(ref, `save.${saveId}`),
        keys.notices,
      ],
      [
        JSON.stringify({
          ...{ tenant, blobKey, bytes, baseVersion, onConflict, keepVersions, tenantMaxBytes },
          graceMs: BLOB_GRACE_MS,
          answerTtlMs: ANSWER_KEPT_MS,
          ...noticeArgs(ref, 'saved'),
        }),
        JSON.stringify(version),
      ],
    );
    const [answer, number, isCurrent, revision] = asList(reply);
    switch (answer) {
      case 'OK':
      case 'REPLAY':
        return {
          answer,
          version: Number(number),
          isCurrent: isCurrent === 1,
          revision: Number(revision),
        };
      case 'MISSING':
        return { answer };
      case 'QUOTA':
        return { answer, bytes: Number(number) };
      default:
        throw new Error(`commit-version answered ${String(answer)}`);
    }
  }

  /**
   * Makes a kept version the current one.
   *
   * @param ifRevision - only if the context has this revision; null: any
   */
  async restore(
    ref: ContextRef,
    version: number,
    { opId, ifRevision }: { readonly opId: string; readonly ifRevision: number | null },
  ): Promise<ChangeAnswer | 'NO_VERSION'> {
    const [answer] = asList(
      await this.scripts.run(
        'restoreVersion',
        [keys.context(ref), keys.contextVersions(ref), keys.contextAnswer(ref, opId), keys.notices],
        [
          JSON.stringify({
            version,
            ifRev: ifRevision,
            answerTtlMs: ANSWER_KEPT_MS,
            ...noticeArgs(ref, 'restored', version),
          }),
        ],
      ),
    );
    return answer === 'NO_VERSION' ? answer : changeAnswerOf(answer);
  }
}

/* SAFETY: the commit script writes what `commit` has stringified, with number and time. */
const parsed = (json: string): ContextVersion => JSON.parse(json) as ContextVersion;
