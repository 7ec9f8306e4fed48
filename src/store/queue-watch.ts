import type { BadJob, QuarantineReason } from '../core/quarantine';
import { messageOf } from '../core/errors';
import type { Redis } from '../redis/connection';
import type { ScriptRunner } from '../redis/script-runner';
import type { QuarantineEntry, QuarantineStore } from './quarantine-store';
import { lookAtQueue, repairQueue } from './queue-repair';

/** A BullMQ queue, by the prefix of its keys. */
export interface WatchedQueue {
  readonly queue: string;
  /** Prefix of its keys, such as `{hf}:launch:`. */
  readonly prefix: string;
  /** Whether other services write into it, with options and keys of their own choice. */
  readonly isForeign: boolean;
  /** How many of its jobs may be active at a time; null: as many as its workers take. */
  readonly concurrency: number | null;
}

/** A job with a longer delay goes into quarantine. */
const DELAY_MAX_MS = 86_400_000;

/** How long, and how many, jobs that have ended are kept in a foreign queue. */
const FINISHED_AGE_MS = 3_600_000;
const FINISHED_MAX = 10_000;
const EVENTS_MAX = 10_000;

/** How many active jobs are checked in one pass, and how many of any other kind. */
const ACTIVE_MAX = 10_000;
const BATCH = 500;

/** A delayed job's score is its time in this unit, BullMQ 6.7 `getDelayedScore.lua`. */
const DELAY_UNITS_PER_MS = 4_096;

/** Fields of a job's hash that BullMQ increments: one that is not a number stops the script in the middle. */
const COUNTERS = ['ats', 'stc', 'atm'] as const;

/**
 * What is read of a job's hash; BullMQ parses the first four (6.7, `rawToJobJson` and `Job.fromJSON`), and by the fifth
 * it asks a scheduler for the next job before it hands this one to a worker.
 */
const FIELDS = ['data', 'opts', 'progress', 'parent', 'rjk', 'name', ...COUNTERS] as const;
type RawJob = Readonly<Record<(typeof FIELDS)[number], Buffer | null>>;

interface Candidate {
  readonly id: Buffer;
  /** Null: judge the job by its content. */
  readonly finding: Finding | null;
}

interface Finding {
  readonly reason: QuarantineReason;
  readonly detail: string;
}

/**
 * Finds jobs that would stay in a queue for ever, or do harm when they are fetched in the usual way: jobs that BullMQ
 * itself cannot read (they throw inside the fetch, before any handler or limit), and in a foreign queue jobs that their
 * options make endless. It looks for the former among the active jobs, since every fetched job becomes active.
 */
export class QueueWatch {
  /** Active jobs that were readable at the last check; a job that is fetched again is checked again. */
  readonly #readable = new Map<string, ReadonlySet<string>>();

  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
    private readonly quarantine: QuarantineStore,
  ) {}

  /**
   * Moves the jobs found in one queue into quarantine; answers their entries.
   *
   * @param nowMs - Redis `TIME` about now
   */
  async quarantineAll(watched: WatchedQueue, nowMs: number): Promise<QuarantineEntry[]> {
    const tooLateScore = (nowMs + DELAY_MAX_MS) * DELAY_UNITS_PER_MS;
    const { needsRepair, hasActive, hasEndless } = await lookAtQueue(this.scripts, watched, tooLateScore);
    const quarantined: QuarantineEntry[] = [];
    for (const job of needsRepair ? await repairQueue(this.redis, watched, nowMs) : []) {
      quarantined.push(await this.quarantine.put(job));
    }
    if (hasActive) quarantined.push(...(await this.quarantineActive(watched)));
    if (watched.isForeign && hasEndless)
      quarantined.push(...(await this.#inspectAll(watched, await this.#endless(watched, tooLateScore))));
    return quarantined;
  }

  /** The part of {@link quarantineAll} about fetched jobs: those that BullMQ could not hand to any worker. */
  async quarantineActive(watched: WatchedQueue): Promise<QuarantineEntry[]> {
    return this.#inspectAll(watched, await this.#newlyActive(watched));
  }

  /** Bounds how many ended jobs a foreign queue keeps; answers how many were forgotten. */
  async bound({ prefix }: WatchedQueue): Promise<number> {
    let forgotten = 0;
    for (const set of ['completed', 'failed']) {
      const args = [prefix, FINISHED_AGE_MS, FINISHED_MAX, BATCH, EVENTS_MAX];
      const keys = [`${prefix}${set}`, `${prefix}events`];
      forgotten += Number(await this.scripts.run('trimFinished', keys, args));
    }
    return forgotten;
  }

  async #newlyActive({ prefix }: WatchedQueue): Promise<Candidate[]> {
    const ids = await this.#activeOnce(prefix);
    const pipeline = this.redis.pipeline();
    for (const id of ids) pipeline.hmget(keyOf(prefix, id), 'ats', 'stc');
    const replies = ids.length === 0 ? [] : ((await pipeline.exec()) ?? []);
    const before = this.#readable.get(prefix) ?? new Set();
    const now = new Set<string>();
    const unknown = ids.flatMap((id, at): Candidate[] => {
      const [error, taken] = replies[at] ?? [null, null];
      const seen = `${id.toString('latin1')} ${String(taken)}`;
      if (error === null) now.add(seen);
      if (error !== null) return [{ id, finding: damaged(messageOf(error)) }];
      return before.has(seen) ? [] : [{ id, finding: null }];
    });
    this.#readable.set(prefix, now);
    return unknown;
  }

  /* An id that is in the queue more than once would be worked on again each time. */
  async #activeOnce(prefix: string): Promise<Buffer[]> {
    const key = `${prefix}active`;
    const once = new Map<string, Buffer>();
    for (const id of await this.redis.lrangeBuffer(key, 0, ACTIVE_MAX - 1)) {
      const name = id.toString('latin1');
      if (once.has(name)) await this.redis.lrem(key, 1, id);
      else once.set(name, id);
    }
    return [...once.values()];
  }

  async #endless({ prefix }: WatchedQueue, tooLateScore: number): Promise<Candidate[]> {
    const [delayed, parents] = await Promise.all([
      this.redis.zrangebyscoreBuffer(`${prefix}delayed`, tooLateScore, '+inf', 'LIMIT', 0, BATCH),
      this.#foreignParents(prefix),
    ]);
    const planned: Finding = {
      reason: 'too_far_delayed',
      detail: 'it is delayed by more than 24 hours',
    };
    const parent: Finding = { reason: 'flow', detail: 'it waits for the jobs of a flow' };
    return [
      ...delayed.map(id => ({ id, finding: planned })),
      ...parents.map(id => ({ id, finding: parent })),
    ];
  }

  /*
   * A job that was fetched before waits for a child that Holdfast added; the parent of a producer's flow waits before
   * it is ever fetched.
   */
  async #foreignParents(prefix: string): Promise<Buffer[]> {
    const ids = await this.redis.zrangeBuffer(`${prefix}waiting-children`, '0', `${BATCH - 1}`);
    if (ids.length === 0) return [];
    const pipeline = this.redis.pipeline();
    for (const id of ids) pipeline.hget(keyOf(prefix, id), 'ats');
    const replies = (await pipeline.exec()) ?? [];
    return ids.filter((_, at) => replies[at]?.[1] === null || replies[at]?.[0] !== null);
  }

  async #inspectAll(watched: WatchedQueue, candidates: readonly Candidate[]): Promise<QuarantineEntry[]> {
    const quarantined: QuarantineEntry[] = [];
    for (const candidate of candidates) {
      const entry = await this.#inspect(watched, candidate);
      if (entry !== null) quarantined.push(entry);
    }
    return quarantined;
  }

  async #inspect(
    { queue, prefix }: WatchedQueue,
    { id, finding }: Candidate,
  ): Promise<QuarantineEntry | null> {
    const raw = await this.#read(keyOf(prefix, id));
    const found = finding ?? faultOf(id, raw);
    if (found === null) return null;
    // It has ended since the list was read, as jobs do: it must not be in quarantine, not even for a moment.
    if (found.reason === 'orphaned' && !(await this.#isActive(prefix, id))) return null;
    const job: BadJob = {
      queue,
      jobId: id.toString(),
      name: raw?.name?.toString() ?? '',
      ...found,
      data: raw?.data?.toString() ?? '',
    };
    const dataBytes = raw?.data?.length ?? -1;
    return this.quarantine.seize(job, { prefix, id, dataBytes });
  }

  async #isActive(prefix: string, id: Buffer): Promise<boolean> {
    const active = await this.redis.lrangeBuffer(`${prefix}active`, 0, ACTIVE_MAX - 1);
    return active.some(other => other.equals(id));
  }

  /* Null: the key is not a hash. */
  async #read(key: Buffer): Promise<RawJob | null> {
    try {
      const values = await this.redis.hmgetBuffer(key, ...FIELDS);
      // SAFETY: HMGET answers with one value for each field.
      return Object.fromEntries(FIELDS.map((field, at) => [field, values[at] ?? null])) as RawJob;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null;
      throw error;
    }
  }
}

function keyOf(prefix: string, id: Buffer): Buffer {
  return Buffer.concat([Buffer.from(prefix), id]);
}

/** Why BullMQ could not hand a job to a worker; null if it can. */
function faultOf(id: Buffer, raw: RawJob | null): Finding | null {
  if (raw === null) return damaged('its key has another type');
  // Bytes that are not UTF-8 are changed by decoding, and would then name another job.
  if (!Buffer.from(id.toString()).equals(id)) return damaged('its id is not UTF-8');
  if (raw.data === null) return { reason: 'orphaned', detail: 'it has no data' };
  const counter = COUNTERS.find(field => !/^-?\d{1,15}$/.test(raw[field]?.toString() ?? '0'));
  if (counter !== undefined) return damaged(`its field ${counter} is not a number`);
  if (raw.rjk !== null) return { reason: 'repeated', detail: 'it is marked as made by a job scheduler' };
  const options = parsed(raw.opts, '{}');
  for (const [field, value] of [
    ['data', parsed(raw.data, '{}')],
    ['progress', parsed(raw.progress, '0')],
    ['parent', parsed(raw.parent, 'null')],
  ] as const) {
    if (value === undefined) return { reason: 'not_json', detail: `its ${field} is not JSON` };
  }
  return options === undefined || options === null
    ? { reason: 'not_json', detail: 'its options are not a JSON object' }
    : null;
}

const damaged = (detail: string): Finding => ({ reason: 'damaged', detail });

/* Undefined: it is not JSON, which has no such value. */
function parsed(raw: Buffer | null, missing: string): unknown {
  try {
    return JSON.parse(raw === null || raw.length === 0 ? missing : raw.toString());
  } catch {
    // The parser's message about an untrusted text is of no use.
    return undefined;
  }
}
