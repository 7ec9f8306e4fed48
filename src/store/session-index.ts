import type { SessionStatus } from '../../machines/session/session.types';
import { parseRef, refOf, type SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { idOfIndexMember, keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';
import type { HistoryEntry } from './session-store';

/** How many index members one page may look at: bounds the time Redis spends on a hopeless filter. */
const PAGE_BUDGET = 5_000;

/** What to list. Filters are ANDed. */
export interface PageRequest {
  readonly tenant: string;
  readonly status: SessionStatus | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Where the page before ended; null for the newest. */
  readonly cursor: string | null;
  readonly limit: number;
}

/** One page: refs newest first, and where the next one starts (null: that was all). */
export interface Page {
  readonly refs: readonly SessionRef[];
  readonly nextCursor: string | null;
}

/** Reads that go over many sessions, and histories. */
export class SessionIndex {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** One page of a tenant's retained sessions. May be shorter than `limit` and still have a next one. */
  async page({ tenant, status, labels, cursor, limit }: PageRequest): Promise<Page> {
    const filters = Object.entries(labels).map(([name, value]) => keys.indexLabel(tenant, name, value));
    if (status !== null) filters.push(keys.indexStatus(tenant, status));
    const indexes = filters.length === 0 ? [keys.indexAll(tenant)] : await this.#smallestFirst(filters);
    const reply = await this.scripts.run('pageSessions', indexes, [cursor ?? '', limit, PAGE_BUDGET]);
    // SAFETY: the script answers with an array of strings, the first being the cursor.
    const [next = '', ...members] = reply as string[];
    return {
      refs: members.map(member => refOf(tenant, idOfIndexMember(member))),
      nextCursor: next === '' ? null : next,
    };
  }

  /** The history of a session, oldest first. */
  async history(ref: SessionRef): Promise<HistoryEntry[]> {
    const entries = await this.redis.lrange(keys.history(ref), 0, -1);
    // SAFETY: the list is written by the two commit scripts only.
    return entries.map(entry => JSON.parse(entry) as HistoryEntry);
  }

  /** How many sessions wait before this one; null if it does not wait. */
  async queuePosition(ref: SessionRef): Promise<number | null> {
    return this.redis.zrank(keys.queued, ref);
  }

  /** Retained sessions of the whole installation, by status. */
  async counts(): Promise<Record<SessionStatus, number>> {
    const counts = await this.redis.hgetall(keys.counts);
    const of = (status: SessionStatus): number => Number(counts[status] ?? 0);
    return {
      created: of('created'),
      live: of('live'),
      released: of('released'),
      failed: of('failed'),
      timed_out: of('timed_out'),
    };
  }

  async #smallestFirst(indexes: string[]): Promise<string[]> {
    const sizes = await Promise.all(indexes.map(index => this.redis.zcard(index)));
    return indexes
      .map((index, i) => ({ index, size: sizes[i] ?? 0 }))
      .sort((a, b) => a.size - b.size)
      .map(({ index }) => index);
  }
}

/** Whether a cursor could have come from {@link SessionIndex.page}. */
export function isCursor(text: string): boolean {
  return /^[0-9a-f]{12}/.test(text) && parseRef(`t/${idOfIndexMember(text)}`) !== null;
}
