import type { Deadlines } from '../../machines/session/session.types';
import { TIMER_KINDS, type TimerKind } from '../../machines/session/session.words';
import { MACHINE_VERSION } from '../../machines/session/session.versions';
import { parseRef, type SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { KEY_PREFIX, keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';
import { PROCESS_TTL_MS } from './activity-store';
import { LEASE_MS } from './lease-store';
import type { PendingEffect } from './session-commit';

/** A deadline that has passed without being acted on. `dueMs` is when it was due. */
export interface Overdue {
  /** The entry as stored in its set. */
  readonly member: string;
  readonly ref: SessionRef;
  /** Null: a kind that this version does not know. */
  readonly kind: TimerKind | null;
}

/** An effect that its committer has not acknowledged. */
export interface LeftEffect {
  /** The entry as stored in its set. */
  readonly member: string;
  /** Null: it cannot be read. */
  readonly pending: PendingEffect | null;
}

/** How many entries of each kind one run of the script lowers. */
const PULLED_BACK_AT_A_TIME = 1_000;

/** How many sessions one run of the script forgets. */
const RETIRED_AT_A_TIME = 200;

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

  /** The run id of the Redis process that answers; it differs between processes. */
  async serverRunId(): Promise<string> {
    const info = await this.redis.info('server');
    return /run_id:(\w+)/.exec(info)?.[1] ?? '';
  }

  /** Takes the turn of a sweep for `ttlMs` and answers Redis `TIME`; null if another process has it. */
  async takeTurn(sweep: string, ttlMs: number): Promise<number | null> {
    return Number(await this.scripts.run('takeTurn', [keys.sweepLock(sweep)], [ttlMs])) || null;
  }

  /** Lowers times that were written before the clock of Redis was set back; answers how many. */
  async pullBackScores(): Promise<number> {
    return Number(
      await this.scripts.run(
        'pullBackScores',
        [keys.effects, keys.queued, keys.ended, keys.leases, keys.processes],
        [LEASE_MS, PROCESS_TTL_MS, PULLED_BACK_AT_A_TIME],
      ),
    );
  }

  /** Deadlines that passed before `beforeMs`, oldest first; skips the first `offset` of them. */
  async overdue(beforeMs: number, offset: number, limit: number): Promise<Overdue[]> {
    const reply = await this.redis.zrangebyscore(
      keys.due,
      '-inf',
      beforeMs,
      'WITHSCORES',
      'LIMIT',
      offset,
      limit,
    );
    const found: Overdue[] = [];
    for (let i = 0; i + 1 < reply.length; i += 2) {
      const member = reply[i] ?? '';
      const [ref = '', word = ''] = member.split('|');
      const kind = TIMER_KINDS.find(known => known === word) ?? null;
      // SAFETY: the commit scripts write `<ref>|<kind>`.
      found.push({ member, ref: ref as SessionRef, kind });
    }
    return found;
  }

  /**
   * A deadline of a session that was read at `revision` (null: there is no such session) needs no action now: moves its
   * entry to `dueMs`, or drops it (null). If the session was changed meanwhile, the entry stays.
   */
  async settleDue(
    ref: SessionRef,
    kind: TimerKind,
    revision: number | null,
    dueMs: number | null,
  ): Promise<void> {
    await this.scripts.run(
      'settleDue',
      [keys.due, keys.row(ref)],
      [`${ref}|${kind}`, revision ?? '', dueMs ?? ''],
    );
  }

  /** Effects committed before `beforeMs` and still not acknowledged; skips the first `offset` of them. */
  async unacknowledgedEffects(beforeMs: number, offset: number, limit: number): Promise<LeftEffect[]> {
    const members = await this.redis.zrangebyscore(keys.effects, '-inf', beforeMs, 'LIMIT', offset, limit);
    return members.map(member => ({ member, pending: parseEffect(member) }));
  }

  /**
   * Forgets effects of a session that have been enqueued. Answers the deadlines that its row holds now, none if it is
   * gone.
   */
  async acknowledgeEffects(ref: SessionRef, members: readonly string[]): Promise<Deadlines> {
    const held = await this.scripts.run('ackEffects', [keys.effects, keys.row(ref)], members);
    // SAFETY: the commit scripts write a row's deadlines as this JSON.
    return JSON.parse(String(held)) as Deadlines;
  }

  /** Sessions that have waited for a worker since before `beforeMs`; skips the first `offset` of them. */
  async queuedSince(beforeMs: number, offset: number, limit: number): Promise<SessionRef[]> {
    const refs = await this.redis.zrangebyscore(keys.queued, '-inf', beforeMs, 'LIMIT', offset, limit);
    // SAFETY: the commit scripts put only refs into this set.
    return refs as SessionRef[];
  }

  /** Removes a session that has no row from the waiting list. */
  async dropQueued(ref: SessionRef): Promise<void> {
    const tenant = parseRef(ref)?.tenant ?? '';
    await this.redis
      .multi()
      .zrem(keys.queued, ref)
      .zrem(keys.turns, ref)
      .zrem(keys.turnsOf(tenant), ref)
      .exec();
  }

  /**
   * Forgets sessions that ended more than `retentionMs` ago, except those of a newer version; answers how many. One run
   * of the script handles a few hundred at most, so that Redis is not blocked for long. Ends early when it is stopped.
   */
  async retire(retentionMs: number, isStopped: () => boolean): Promise<number> {
    const fromBlocks = await this.#retireIn('blocks', retentionMs, isStopped);
    return fromBlocks + (isStopped() ? 0 : await this.#retireIn('set', retentionMs, isStopped));
  }

  async #retireIn(place: 'set' | 'blocks', retentionMs: number, isStopped: () => boolean): Promise<number> {
    let forgotten = 0;
    for (let passedOver = 0; ;) {
      const reply = await this.scripts.run(
        'retireSessions',
        [keys.ended, keys.counts],
        [KEY_PREFIX, retentionMs, place, passedOver, RETIRED_AT_A_TIME, MACHINE_VERSION],
      );
      // SAFETY: the script answers with three numbers.
      const [seen, gone, hasMore] = reply as [number, number, number];
      forgotten += gone;
      // A block of which all are forgotten is gone.
      const stayed = seen - gone;
      passedOver += place === 'set' ? stayed : Math.min(stayed, 1);
      if (hasMore === 0 || isStopped()) return forgotten;
    }
  }

  /** The installation's secret: stores `candidate` if there was none yet, and writes nothing otherwise. */
  async secret(candidate: string): Promise<string> {
    const known = await this.redis.get(keys.secret);
    if (known !== null) return known;
    await this.redis.set(keys.secret, candidate, 'NX');
    return (await this.redis.get(keys.secret)) ?? candidate;
  }
}

function parseEffect(member: string): PendingEffect | null {
  try {
    // SAFETY: the commit scripts write what pendingEffects made; the relay refuses effects of kinds it does not know.
    return JSON.parse(member) as PendingEffect;
  } catch {
    return null;
  }
}
