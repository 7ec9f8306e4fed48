import type { SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import { NOTICES_MAX, type Notice } from './notice-stream';
import type { HistoryEntry } from './session-store';

/** What follows a certain line of a history. */
export interface HistoryTail {
  /** The line itself; null if it was asked for from the beginning. */
  readonly anchor: HistoryEntry | null;
  readonly entries: readonly HistoryEntry[];
}

/** A notice with its place in the stream. */
export interface PlacedNotice {
  readonly id: string;
  readonly notice: Notice;
}

const NOTICE_ID = /^(\d{1,15})-(\d{1,15})$/;

/** The place before the first notice of a stream. */
const BEGINNING = '0-0';

/** Reads what has happened from a known place on, and tells when that place is not known (any more). */
export class EventLog {
  constructor(private readonly redis: Redis) {}

  /**
   * The history after line `seq`; 0 for all of it. Null if there is no such line: the session is gone, or the history is
   * another one (Redis was rolled back).
   */
  async historySince(ref: SessionRef, seq: number): Promise<HistoryTail | null> {
    const lines = await this.redis.lrange(keys.history(ref), Math.max(0, seq - 1), -1);
    // SAFETY: the list is written by the two commit scripts only.
    const entries = lines.map(line => JSON.parse(line) as HistoryEntry);
    const [first, ...others] = entries;
    if (first === undefined) return null;
    return seq === 0 ? { anchor: null, entries } : { anchor: first, entries: others };
  }

  /** Up to `count` notices after the one with this id. Null if it is not in the stream: trimmed away, or never there. */
  async noticesSince(id: string, count: number): Promise<readonly PlacedNotice[] | null> {
    if (!NOTICE_ID.test(id)) return null;
    if (id === BEGINNING) return this.#noticesFromBeginning(count);
    const [known, ...after] = await this.#range(id, count + 1);
    return known?.id === id ? after : null;
  }

  /** Where the stream ends now. */
  async newestNoticeId(): Promise<string> {
    const newest = await this.redis.xrevrange(keys.notices, '+', '-', 'COUNT', 1);
    return newest[0]?.[0] ?? BEGINNING;
  }

  /* A stream that is shorter than its cap has never been trimmed. */
  async #noticesFromBeginning(count: number): Promise<readonly PlacedNotice[] | null> {
    return (await this.redis.xlen(keys.notices)) < NOTICES_MAX ? this.#range('-', count) : null;
  }

  async #range(from: string, count: number): Promise<PlacedNotice[]> {
    const entries = await this.redis.xrange(keys.notices, from, '+', 'COUNT', count);
    // SAFETY: the stream is written by our scripts and publishNotice only.
    return entries.map(([id, fields]) => ({ id, notice: JSON.parse(fields[1] ?? '') as Notice }));
  }
}

/** Whether a notice stands behind another one in the stream. */
export function isAfter(id: string, other: string): boolean {
  const [ms = 0, seq = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherSeq = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && seq > otherSeq);
}
