import { TIMER_KINDS, type Deadlines, type TimerKind } from '../../machines/session/session.types';
import type { SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { KEY_PREFIX, keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';
import type { PendingEffect } from './session-commit';

/** A deadline that has passed without anybody acting on it. `dueMs` is when it was due. */
export interface Overdue {
  readonly ref: SessionRef;
  readonly kind: TimerKind;
  readonly dueMs: number;
}

/** What the sweeps and the effect relay need: time, overdue entries, effects left behind, retention. */
export class MaintenanceStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** Redis `TIME` in epoch milliseconds. */
  async nowMs(): Promise<number> {
    const [seconds, micros] = await this.redis.time();
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }

  /** Seconds since Redis started. */
  async uptimeSeconds(): Promise<number> {
    const info = await this.redis.info('server');
    return Number(/uptime_in_seconds:(\d+)/.exec(info)?.[1] ?? 0);
  }

  /** Takes a sweep's turn for `ttlMs`; false if another process has it. */
  async takeTurn(sweep: string, ttlMs: number): Promise<boolean> {
    return (await this.redis.set(keys.sweepLock(sweep), '1', 'PX', ttlMs, 'NX')) === 'OK';
  }

  /** Deadlines that passed before `beforeMs`, oldest first. */
  async overdue(beforeMs: number, limit: number): Promise<Overdue[]> {
    const reply = await this.redis.zrangebyscore(keys.due, '-inf', beforeMs, 'WITHSCORES', 'LIMIT', 0, limit);
    const found: Overdue[] = [];
    for (let i = 0; i + 1 < reply.length; i += 2) {
      const [ref = '', kind = ''] = (reply[i] ?? '').split('|');
      const known = TIMER_KINDS.find(name => name === kind);
      if (known === undefined) continue;
      // SAFETY: the commit scripts write `<ref>|<kind>`.
      found.push({ ref: ref as SessionRef, kind: known, dueMs: Number(reply[i + 1]) });
    }
    return found;
  }

  /** Drops a due entry that no row stands behind (a rollback of Redis, a hand in the database). */
  async dropDue({ ref, kind }: Overdue): Promise<void> {
    await this.redis.zrem(keys.due, `${ref}|${kind}`);
  }

  /** Effects committed before `beforeMs` and still not acknowledged. */
  async unacknowledgedEffects(beforeMs: number, limit: number): Promise<PendingEffect[]> {
    const members = await this.redis.zrangebyscore(keys.effects, '-inf', beforeMs, 'LIMIT', 0, limit);
    // SAFETY: the commit scripts write what pendingEffects made.
    return members.map(member => JSON.parse(member) as PendingEffect);
  }

  /**
   * The effects of a session are enqueued; they may be forgotten. Answers the deadlines that its row holds by now, none
   * if it is gone.
   */
  async acknowledgeEffects(ref: SessionRef, members: readonly string[]): Promise<Deadlines> {
    const held = await this.scripts.run('ackEffects', [keys.effects, keys.row(ref)], members);
    // SAFETY: the commit scripts write a row's deadlines as this JSON.
    return JSON.parse(String(held)) as Deadlines;
  }

  /** Sessions that have been waiting for a worker since before `beforeMs`. */
  async queuedSince(beforeMs: number, limit: number): Promise<SessionRef[]> {
    // SAFETY: the commit scripts put only refs into this set.
    return (await this.redis.zrangebyscore(keys.queued, '-inf', beforeMs, 'LIMIT', 0, limit)) as SessionRef[];
  }

  /** Takes a session out of the waiting list that no row stands behind. */
  async dropQueued(ref: SessionRef): Promise<void> {
    await this.redis.zrem(keys.queued, ref);
  }

  /** Forgets sessions that ended more than `retentionMs` ago; answers how many, at most `limit`. */
  async retire(retentionMs: number, limit: number): Promise<number> {
    return Number(
      await this.scripts.run('retireSessions', [keys.ended, keys.counts], [KEY_PREFIX, retentionMs, limit]),
    );
  }

  /** The installation's secret: `candidate` if there was none yet. */
  async secret(candidate: string): Promise<string> {
    await this.redis.set(keys.secret, candidate, 'NX');
    return (await this.redis.get(keys.secret)) ?? candidate;
  }
}
