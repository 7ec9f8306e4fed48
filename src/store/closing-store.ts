import type { ContextSave } from '../../machines/session/session.types';
import type { SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';
import { NOTICES_MAX, type Notice } from './notice-stream';

/** An ended session whose browser is not yet known to be gone. */
export interface ClosingEntry {
  readonly ref: SessionRef;
  readonly claimId: string;
  readonly workerId: string;
  readonly sinceMs: number;
  /** The end includes a save of the session's context. */
  readonly saves: boolean;
}

/** Clean-up obligations: a session ends at once; the end of its browser is then still owed (I7). */
export class ClosingStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** Every open obligation. */
  async all(): Promise<ClosingEntry[]> {
    const entries = await this.redis.hgetall(keys.closing);
    return Object.entries(entries).map(([ref, value]) => {
      const [claimId = '', workerId = '', sinceMs = '0', saves] = value.split('|');
      // SAFETY: the commit script writes refs as field names.
      return {
        ref: ref as SessionRef,
        claimId,
        workerId,
        sinceMs: Number(sinceMs),
        saves: saves === 'saves',
      };
    });
  }

  /** Whether the end of this session's browser is still owed. */
  async isOpen(ref: SessionRef): Promise<boolean> {
    return (await this.redis.hexists(keys.closing, ref)) === 1;
  }

  /** Whether the session has ended under this claim and the end of its browser is still owed. */
  async isOwed(ref: SessionRef, claimId: string): Promise<boolean> {
    const value = await this.redis.hget(keys.closing, ref);
    return value?.startsWith(`${claimId}|`) ?? false;
  }

  /**
   * Records that the browser is gone, with its process tree and run directory. Publishes `closed`.
   *
   * @param save - what became of the save of the session's context; null: none was owed
   * @returns how long after the end of its session, in milliseconds; null if it was acknowledged before.
   */
  async acknowledge(ref: SessionRef, claimId: string, save: ContextSave | null): Promise<number | null> {
    const notice: Notice = { type: 'closed', ref, ...(save === null ? {} : { save }) };
    const afterMs = await this.scripts.run(
      'ackClose',
      [keys.closing, keys.notices, keys.row(ref), keys.saves],
      [ref, claimId, JSON.stringify(notice), NOTICES_MAX, save === null ? '' : JSON.stringify(save)],
    );
    return Number(afterMs) < 0 ? null : Number(afterMs);
  }
}
