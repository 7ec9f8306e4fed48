import type { Clock } from '../core/clock';
import type { BadJob, QuarantineReason } from '../core/quarantine';
import { parseRef, uuidv7 } from '../core/ids';
import { printable } from '../core/printable';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';

/** A job in quarantine. All texts are safe for logs and terminals. */
export interface QuarantineEntry {
  /** Id of the entry, a UUIDv7; not the job's id. */
  readonly id: string;
  readonly queue: string;
  readonly jobId: string;
  readonly name: string;
  readonly reason: QuarantineReason;
  readonly detail: string;
  /** When it was quarantined, Redis `TIME`. */
  readonly atMs: number;
  /** Size of the payload in the queue, bytes. */
  readonly size: number;
  /** Whether only the beginning of the payload was kept. */
  readonly isTruncated: boolean;
  /** The tenant of the session that the payload names; null for jobs of other services, and where it names none. */
  readonly tenant: string | null;
}

/** An entry with the kept part of its payload. */
export interface QuarantinedJob extends QuarantineEntry {
  readonly data: string;
}

/** The place of a job in its queue. */
export interface JobPlace {
  /** Prefix of the queue's keys, such as `{hf}:launch:`. */
  readonly prefix: string;
  /** The job's id, byte for byte. */
  readonly id: Buffer;
  /** Length of its data when it was read, bytes; -1: it had none. */
  readonly dataBytes: number;
}

/** Which entries are wanted. */
export interface QuarantinePage {
  readonly isWanted: (entry: QuarantineEntry) => boolean;
  /** The `next` of the page before; null for the newest. */
  readonly cursor: string | null;
  readonly limit: number;
}

/** How many jobs are kept; their payloads then take less than 64 MiB, see {@link QUARANTINE_DATA_MAX_BYTES}. */
const QUARANTINE_MAX = 1_000;

/** How long jobs are kept. */
export const QUARANTINE_AGE_MS = 7 * 86_400_000;

/** How much of a payload is kept, bytes. */
const QUARANTINE_DATA_MAX_BYTES = 65_536;

const NAME_MAX = 128;
const DETAIL_MAX = 500;
const CHUNK = 100;

const KEYS = [keys.quarantine, keys.quarantineEntries, keys.quarantineData] as const;

/** Jobs that no consumer could handle, for operators to inspect: the newest 1 000 of the last seven days. */
export class QuarantineStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
    private readonly clock: Clock,
  ) {}

  /** Keeps a job that its consumer is about to end. */
  async put(job: BadJob): Promise<QuarantineEntry> {
    const { data, ...stored } = storedFrom(job);
    const id = uuidv7(this.clock.nowMs());
    const args = [QUARANTINE_MAX, QUARANTINE_AGE_MS, id, JSON.stringify(stored), data];
    const atUs = Number(await this.scripts.run('quarantineJob', KEYS, args));
    return { ...stored, id, atMs: millis(atUs) };
  }

  /**
   * Moves a job from its queue into quarantine. Processes that wait for the job get a failure. Null if it is gone or
   * has changed. Two steps, since the queue may be on another node of a cluster; a crash between them leaves the job in
   * its queue, to be found again.
   */
  async seize(job: BadJob, { prefix, id, dataBytes }: JobPlace): Promise<QuarantineEntry | null> {
    const entry = await this.put(job);
    const reason = printable(`${job.reason}: ${job.detail}`, DETAIL_MAX);
    const isTaken = await this.scripts.run(
      'takeOutJob',
      [`${prefix}events`],
      [prefix, id, dataBytes, reason],
    );
    if (isTaken === 1) return entry;
    await this.remove(entry.id);
    return null;
  }

  /** Forgets entries that are too old. */
  async prune(): Promise<void> {
    await this.scripts.run('quarantineJob', KEYS, [QUARANTINE_MAX, QUARANTINE_AGE_MS, '']);
  }

  /** One page, newest first, and where the next one starts (null: that was all). */
  async page({ isWanted, cursor, limit }: QuarantinePage): Promise<{
    readonly entries: readonly QuarantineEntry[];
    readonly nextCursor: string | null;
  }> {
    const places = await this.#placesAfter(cursor);
    const entries: QuarantineEntry[] = [];
    let last: Place | undefined;
    for (let from = 0; from < places.length; from += CHUNK) {
      const chunk = places.slice(from, from + CHUNK);
      const found = await this.redis.hmget(keys.quarantineEntries, ...chunk.map(({ id }) => id));
      for (const [at, place] of chunk.entries()) {
        const entry = entryFrom(place, found[at]);
        if (entry === null || !isWanted(entry)) continue;
        if (entries.length === limit) return { entries, nextCursor: cursorAfter(last) };
        entries.push(entry);
        last = place;
      }
    }
    return { entries, nextCursor: null };
  }

  /** One job with its payload; null if it is not there, or not any more. */
  async get(id: string): Promise<QuarantinedJob | null> {
    const [score, json, data] = await Promise.all([
      this.redis.zscore(keys.quarantine, id),
      this.redis.hget(keys.quarantineEntries, id),
      this.redis.hget(keys.quarantineData, id),
    ]);
    const entry = score === null ? null : entryFrom({ id, atUs: Number(score) }, json);
    return entry === null ? null : { ...entry, data: data ?? '' };
  }

  /** Forgets a job; false if it was not there. */
  async remove(id: string): Promise<boolean> {
    const replies = await this.redis
      .multi()
      .zrem(keys.quarantine, id)
      .hdel(keys.quarantineEntries, id)
      .hdel(keys.quarantineData, id)
      .exec();
    return replies?.[0]?.[1] === 1;
  }

  async #placesAfter(cursor: string | null): Promise<Place[]> {
    const reply = await this.redis.zrevrange(keys.quarantine, 0, -1, 'WITHSCORES');
    const places: Place[] = [];
    const [afterUs = Infinity, afterId = ''] = cursor === null ? [] : parseCursor(cursor);
    for (let at = 0; at + 1 < reply.length; at += 2) {
      const id = reply[at] ?? '';
      const atUs = Number(reply[at + 1]);
      if (atUs < afterUs || (atUs === afterUs && id < afterId)) places.push({ id, atUs });
    }
    return places;
  }
}

/** Position of an entry; microseconds make the order strict. */
interface Place {
  readonly id: string;
  readonly atUs: number;
}

type StoredEntry = Omit<QuarantineEntry, 'id' | 'atMs'>;

const millis = (us: number): number => Math.floor(us / 1_000);

function storedFrom({ queue, jobId, name, reason, detail, data }: BadJob): StoredEntry & { data: Buffer } {
  const bytes = Buffer.from(data);
  return {
    queue,
    jobId: printable(jobId, NAME_MAX),
    name: printable(name, NAME_MAX),
    reason,
    detail: printable(detail, DETAIL_MAX),
    size: bytes.length,
    isTruncated: bytes.length > QUARANTINE_DATA_MAX_BYTES,
    tenant: tenantIn(data),
    data: bytes.subarray(0, QUARANTINE_DATA_MAX_BYTES),
  };
}

function entryFrom({ id, atUs }: Place, json: string | null | undefined): QuarantineEntry | null {
  if (json === null || json === undefined) return null;
  // SAFETY: written by storedFrom alone.
  return { ...(JSON.parse(json) as StoredEntry), id, atMs: millis(atUs) };
}

/* Holdfast's own jobs name their session as `ref`. */
function tenantIn(data: string): string | null {
  const [, ref = ''] = /"ref":"([^"\\]{1,100})"/.exec(data.slice(0, QUARANTINE_DATA_MAX_BYTES)) ?? [];
  return parseRef(ref)?.tenant ?? null;
}

const CURSOR = /^(\d{1,17})_([0-9a-f-]{36})$/;

/** Whether a cursor could have come from {@link QuarantineStore.page}. */
export function isQuarantineCursor(text: string): boolean {
  return CURSOR.test(text);
}

function parseCursor(text: string): [number, string] {
  const [, atUs = '', id = ''] = CURSOR.exec(text) ?? [];
  return [Number(atUs), id];
}

const cursorAfter = (place: Place | undefined): string | null =>
  place === undefined ? null : `${place.atUs}_${place.id}`;
