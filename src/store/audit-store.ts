import type { AuditEntry } from '../core/audit';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';

/** How many entries are kept, about. */
export const AUDIT_MAX = 10_000;

/** An entry as it is stored. */
export interface StoredAuditEntry extends AuditEntry {
  /** Ids rise with time. */
  readonly id: string;
  /** Redis `TIME`. */
  readonly atMs: number;
}

/** The audit log: entries are only ever added, and the oldest are dropped. */
export class AuditStore {
  constructor(private readonly redis: Redis) {}

  /** Adds an entry. */
  async add(entry: AuditEntry): Promise<void> {
    await this.redis.xadd(keys.audit, 'MAXLEN', '~', AUDIT_MAX, '*', 'a', JSON.stringify(entry));
  }

  /** Entries older than the one with this id, newest first; null: from the newest one on. */
  async before(id: string | null, limit: number): Promise<StoredAuditEntry[]> {
    const from = id === null ? '+' : `(${id}`;
    const found = await this.redis.xrevrange(keys.audit, from, '-', 'COUNT', limit);
    return found.map(([entryId, [, json = '']]) => ({
      // SAFETY: only `add` writes the stream.
      ...(JSON.parse(json) as AuditEntry),
      id: entryId,
      atMs: Number(entryId.split('-', 1)[0]),
    }));
  }
}

/** Whether a text can be the id of an entry. */
export const isAuditId = (text: string): boolean => /^\d{1,15}-\d{1,10}$/.test(text);
