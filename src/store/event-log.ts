import { MACHINE_VERSION, NewerMachineVersionError } from '../../machines/session/session.versions';
import type { SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import { NOTICES_MAX, type Notice } from './notice-stream';
import { readPacked } from './pack-store';
import { decodeLine } from './session-encoding';
import type { HistoryEntry } from './session-record';

/** The lines of a history after a given one, up to the requested number. */
export interface HistoryPage {
  /** The given line; null if the page begins at the first line. */
  readonly anchor: HistoryEntry | null;
  readonly entries: readonly HistoryEntry[];
  /** Whether more lines follow. */
  readonly hasMore: boolean;
}

/** A notice with its place in the stream. */
export interface PlacedNotice {
  readonly id: string;
  readonly notice: Notice;
}

const NOTICE_ID = /^(\d{1,15})-(\d{1,15})$/;

/** The position before the first notice of a stream. */
const BEGINNING = '0-0';

/** Reads histories and notices from a known position on, and reports when that position is not known (any more). */
export class EventLog {
  constructor(private readonly redis: Redis) {}

  /**
   * Up to `count` lines of a history after line `seq`, oldest first; 0 begins with the first line. Null if there is no
   * line `seq`: the session is gone, or Redis was rolled back and the history is another one.
   *
   * @throws NewerMachineVersionError if a newer process has packed it in a way that this one cannot read.
   */
  async historySince(ref: SessionRef, seq: number, count: number): Promise<HistoryPage | null> {
    // Also reads the line before, to check that it exists, and one more after the page, to know whether there are more.
    const [from, last] = [Math.max(0, seq - 1), seq + count];
    const listed = await this.redis.lrange(keys.history(ref), from, last);
    const lines = listed.length > 0 ? listed : (await this.#packedLines(ref)).slice(from, last + 1);
    const read = lines.map(line => decodeLine(ref, line));
    const [first] = read;
    if (first === undefined) return null;
    const after = seq === 0 ? read : read.slice(1);
    return {
      anchor: seq === 0 ? null : first,
      entries: after.slice(0, count),
      hasMore: after.length > count,
    };
  }

  /** Whether there is a history, which exists as long as its session. */
  async hasHistory(ref: SessionRef): Promise<boolean> {
    if ((await this.redis.exists(keys.history(ref))) === 1) return true;
    return (await this.redis.hexists(keys.row(ref), 'pack')) === 1;
  }

  /**
   * Up to `count` notices after the one with this id. Null if it is not in the stream: it was trimmed, or never
   * existed.
   */
  async noticesSince(id: string, count: number): Promise<readonly PlacedNotice[] | null> {
    if (!NOTICE_ID.test(id)) return null;
    if (id === BEGINNING) return this.#noticesFromBeginning(count);
    const [known, ...after] = await this.#range(id, count + 1);
    return known?.id === id ? after : null;
  }

  /** The id of the newest notice. */
  async newestNoticeId(): Promise<string> {
    const newest = await this.redis.xrevrange(keys.notices, '+', '-', 'COUNT', 1);
    return newest[0]?.[0] ?? BEGINNING;
  }

  async #packedLines(ref: SessionRef): Promise<readonly string[]> {
    const packed = await readPacked(this.redis, ref);
    if (packed === null) return [];
    if (packed.session !== null) return packed.session.lines;
    if (packed.mv > MACHINE_VERSION) throw new NewerMachineVersionError(packed.mv);
    throw new Error(`the packed history of ${ref} is damaged`);
  }

  /* A stream that is shorter than its cap was never trimmed. */
  async #noticesFromBeginning(count: number): Promise<readonly PlacedNotice[] | null> {
    return (await this.redis.xlen(keys.notices)) < NOTICES_MAX ? this.#range('-', count) : null;
  }

  async #range(from: string, count: number): Promise<PlacedNotice[]> {
    const entries = await this.redis.xrange(keys.notices, from, '+', 'COUNT', count);
    // SAFETY: only the Lua scripts and publishNotice write the stream.
    return entries.map(([id, fields]) => ({ id, notice: JSON.parse(fields[1] ?? '') as Notice }));
  }
}

/** Whether a notice comes after another one in the stream. */
export function isAfter(id: string, other: string): boolean {
  const [ms = 0, seq = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherSeq = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && seq > otherSeq);
}
