import { MACHINE_VERSION } from '../../machines/session/session.versions';
import { ENDED_STATUSES } from '../../machines/session/session.words';
import type { SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { isRedisAway } from '../redis/errors';
import { keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';
import { packSession, unpackSession, type EndedSession } from './packed-session';

/**
 * How long after its end a session is packed. Whoever waited for the end has read it by then, and an API of a version
 * before this one, which cannot read what is packed, has been upgraded meanwhile.
 */
export const PACKED_AFTER_MS = 3_600_000;

/** How many sessions are read at a time; they are packed in one turn of the event loop. */
const PAGE = 50;

/** About how many sessions one call packs, so that a backlog does not keep a process busy. */
const AT_A_TIME = 2_000;

/** How many lines of a history are packed at most. */
const LINES_MAX = 200;

/**
 * Packs what sessions that have ended leave behind. Until when all are packed is kept, so that processes can take
 * turns.
 */
export class PackStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /**
   * Packs sessions that ended `afterMs` ago or earlier, in the order of their ends, and answers how many. Ends early
   * when it is stopped.
   *
   * @param nowMs - Redis `TIME`
   */
  async pack(nowMs: number, afterMs: number, isStopped: () => boolean): Promise<number> {
    const untilMs = nowMs - afterMs;
    // If the clock was set back, they are packed until a time that is far away.
    let fromMs = Math.min(Number((await this.redis.get(keys.packedUntil)) ?? 0), untilMs);
    let passed = 0;
    let packed = 0;
    for (let isLast = false; !isLast && packed < AT_A_TIME && !isStopped();) {
      const page = await this.#endedSince(fromMs, untilMs, passed);
      packed += await this.#packAll(page.map(({ ref }) => ref));
      isLast = page.length < PAGE;
      const lastMs = isLast ? untilMs : (page.at(-1)?.endedAtMs ?? untilMs);
      // The next page begins in the millisecond of the last one, after those of it that this page has had.
      const ofLast = page.filter(({ endedAtMs }) => endedAtMs === lastMs).length;
      passed = lastMs === fromMs ? passed + ofLast : ofLast;
      fromMs = lastMs;
      await this.redis.set(keys.packedUntil, fromMs);
    }
    return packed;
  }

  async #endedSince(fromMs: number, untilMs: number, offset: number): Promise<Ended[]> {
    const limit = ['LIMIT', offset, PAGE] as const;
    const reply = await this.redis.zrangebyscore(keys.ended, fromMs, untilMs, 'WITHSCORES', ...limit);
    const found: Ended[] = [];
    for (let i = 0; i + 1 < reply.length; i += 2) {
      // SAFETY: the commit script puts only refs into this set.
      found.push({ ref: reply[i] as SessionRef, endedAtMs: Number(reply[i + 1]) });
    }
    return found;
  }

  async #packAll(refs: readonly SessionRef[]): Promise<number> {
    const pipeline = this.redis.pipeline();
    for (const ref of refs) {
      pipeline.hmget(keys.row(ref), 'rev', 'st', 'mv', 'ops', 'snap');
      pipeline.lrange(keys.history(ref), 0, LINES_MAX);
    }
    const replies = (await pipeline.exec()) ?? [];
    for (const [error] of replies) if (error !== null && isRedisAway(error)) throw error;
    const done = await Promise.all(
      refs.map((ref, i) => this.#pack(ref, replies[2 * i]?.[1], replies[2 * i + 1]?.[1])),
    );
    return done.filter(isPacked => isPacked).length;
  }

  /* Those that are packed already, or are not what the scripts write, stay as they are. */
  async #pack(ref: SessionRef, row: unknown, history: unknown): Promise<boolean> {
    const [rev, status, mv, ops, snapshot] = texts(row);
    const lines = texts(history);
    if (ops === undefined || snapshot === undefined || lines.length !== Number(rev)) return false;
    if (!ENDED_STATUSES.some(ended => ended === status)) return false;
    const packed = packSession({ mv: Number(mv), snapshot, lines });
    if (packed === null) return false;
    const keysOf = [keys.row(ref), keys.history(ref)];
    return (await this.scripts.run('packSession', keysOf, [packed, ops, MACHINE_VERSION])) === 1;
  }
}

interface Ended {
  readonly ref: SessionRef;
  readonly endedAtMs: number;
}

/* An array of strings without a gap; empty if it is none. */
const texts = (reply: unknown): string[] =>
  Array.isArray(reply) && reply.every(text => typeof text === 'string') ? reply : [];

/** The packed part of a row as it was before; `session` null: it cannot be read. Null: the row has none. */
export async function readPacked(redis: Redis, ref: SessionRef): Promise<PackedPart | null> {
  const [packed, mv] = await redis.hmgetBuffer(keys.row(ref), 'pack', 'mv');
  return packed ? { session: unpackSession(packed), mv: Number(mv?.toString()) } : null;
}

/** @see readPacked */
export interface PackedPart {
  readonly session: EndedSession | null;
  /** The machine version of the row. */
  readonly mv: number;
}
