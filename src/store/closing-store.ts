import type { ContextSave } from '../../machines/session/session.types';
import type { EndReason } from '../../machines/session/session.words';
import { parseRef, type SessionRef } from '../core/ids';
import type { Traffic } from '../core/traffic';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import type { ScriptArg, ScriptRunner } from '../redis/script-runner';
import { NOTICES_MAX, type Notice } from './notice-stream';
import { usageDay, USAGE_KEPT_MS } from './usage-store';

/** An ended session whose browser is not yet known to be gone. */
export interface ClosingEntry {
  readonly ref: SessionRef;
  readonly claimId: string;
  readonly workerId: string;
  readonly sinceMs: number;
  /** The end includes a save of the session's context. */
  readonly saves: boolean;
}

/** What has gone through the forward proxy of a session, and where it is counted: with the session's own usage. */
export interface UsedTraffic {
  readonly traffic: Traffic;
  readonly endReason: EndReason;
  readonly endedAtMs: number;
}

/** What is known when the browser of an ended session is gone. */
export interface ClosedOutcome {
  /** What became of the save of the session's context; null: none was owed. */
  readonly save?: ContextSave | null;
  /** Null: its browser had no forward proxy, or nobody knows. */
  readonly used?: UsedTraffic | null;
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
   * @returns how long after the end of its session, in milliseconds; null if it was acknowledged before.
   */
  async acknowledge(ref: SessionRef, claimId: string, outcome: ClosedOutcome = {}): Promise<number | null> {
    const { save = null, used = null } = outcome;
    const notice: Notice = {
      ...{ type: 'closed', ref },
      ...(save === null ? {} : { save }),
      ...(used === null ? {} : { traffic: used.traffic }),
    };
    const afterMs = await this.scripts.run(
      'ackClose',
      [
        keys.closing,
        keys.notices,
        keys.row(ref),
        keys.saves,
        used === null ? keys.none : usageKey(ref, used),
      ],
      [
        ...[ref, claimId, JSON.stringify(notice), NOTICES_MAX, save === null ? '' : JSON.stringify(save)],
        ...(used === null ? [''] : usageArgs(used)),
      ],
    );
    return Number(afterMs) < 0 ? null : Number(afterMs);
  }
}

const usageKey = (ref: SessionRef, { endedAtMs }: UsedTraffic): string =>
  keys.usage(parseRef(ref)?.tenant ?? '', usageDay(endedAtMs));

function usageArgs({ traffic, endReason }: UsedTraffic): ScriptArg[] {
  const { sentBytes, receivedBytes, refused } = traffic;
  return [JSON.stringify(traffic), endReason, sentBytes, receivedBytes, refused, USAGE_KEPT_MS];
}
