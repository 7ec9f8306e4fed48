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
      const [claimId = '', workerId = '', sinceMs = '0'] = value.split('|');
      // SAFETY: the commit script writes refs as field names.
      return { ref: ref as SessionRef, claimId, workerId, sinceMs: Number(sinceMs) };
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
   * @returns how long after the end of its session, in milliseconds; null if it was acknowledged before.
   */
  async acknowledge(ref: SessionRef, claimId: string): Promise<number | null> {
    const notice: Notice = { type: 'closed', ref };
    const afterMs = await this.scripts.run(
      'ackClose',
      [keys.closing, keys.notices],
      [ref, claimId, JSON.stringify(notice), NOTICES_MAX],
    );
    return Number(afterMs) < 0 ? null : Number(afterMs);
  }
}
