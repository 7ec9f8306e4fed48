import { MACHINE_VERSION } from '../../machines/session/session.versions';
import { ENDED_STATUSES } from '../../machines/session/session.words';
import type { SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { isRedisAway } from '../redis/errors';
import { KEY_PREFIX, keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';
import { packSession, unpackSession, type EndedSession } from './packed-session';

/**
 * How long after its end a session is packed. A caller that waited for the end has read it by then, and an API of a
 * version before this one, which cannot read what is packed, has been upgraded meanwhile.
 */
export const PACKED_AFTER_MS = 3_600_000;

/** How many sessions are read at a time; they are packed in one turn of the event loop. */
const PAGE = 50;

/** About how many sessions one call packs, so that a backlog does not keep a process busy. */
const AT_A_TIME = 2_000;

/** How many lines of a history are packed at most. */
const LINES_MAX = 200;

/**
 * Packs what sessions that have ended leave behind, and moves their places in the indexes to blocks. Until when all are
 * packed is kept, so that processes can take turns.
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
      const answers = await this.#packAll(page, untilMs);
      packed += answers.filter(answer => answer === PACKED).length;
      isLast = page.length < PAGE;
      const lastMs = isLast ? untilMs : (page.at(-1)?.endedAtMs ?? untilMs);
      // The next page begins in the millisecond of the last one, after those of it that are still in the set.
      const ofLast = page.filter(({ endedAtMs }, i) => endedAtMs === lastMs && answers[i] === STAYS).length;
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

  /** What the script answers for each. */
  async #packAll(ended: readonly Ended[], untilMs: number): Promise<number[]> {
    const pipeline = this.redis.pipeline();
    for (const { ref } of ended) {
      pipeline.hmget(keys.row(ref), 'rev', 'st', 'mv', 'ops', 'snap');
      pipeline.lrange(keys.history(ref), 0, LINES_MAX);
    }
    const replies = (await pipeline.exec()) ?? [];
    for (const [error] of replies) if (error !== null && isRedisAway(error)) throw error;
    return Promise.all(
      ended.map(({ ref }, i) => this.#pack(ref, replies[2 * i]?.[1], replies[2 * i + 1]?.[1], untilMs)),
    );
  }

  async #pack(ref: SessionRef, row: unknown, history: unknown, untilMs: number): Promise<number> {
    const [rev, status, mv, ops, snapshot] = Array.isArray(row) ? row.map(textOf) : [];
    if (ops === undefined || !ENDED_STATUSES.some(ended => ended === status)) return STAYS;
    const lines = Array.isArray(history) ? history.map(String) : [];
    // A row that is packed already, or is not what the scripts write, stays as it is.
    const isWhole = snapshot !== undefined && lines.length === Number(rev);
    const packed = isWhole ? packSession({ mv: Number(mv), snapshot, lines }) : null;
    const answer = await this.scripts.run(
      'packSession',
      [keys.row(ref), keys.history(ref), keys.ended],
      [packed ?? '', ops, MACHINE_VERSION, KEY_PREFIX, ref, untilMs],
    );
    return Number(answer);
  }
}

/* What the script answers. */
const PACKED = 1;
const STAYS = 0;

interface Ended {
  readonly ref: SessionRef;
  readonly endedAtMs: number;
}

const textOf = (field: unknown): string | undefined => (typeof field === 'string' ? field : undefined);

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
