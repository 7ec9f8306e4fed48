import type { BadJob } from '../core/quarantine';
import type { Redis } from '../redis/connection';
import type { ScriptRunner } from '../redis/script-runner';

/** The types of a queue's own keys, BullMQ 6.7 `queue-keys.ts`, in the order of `look-at-queue-8.lua`. */
const TYPES: Readonly<Record<string, string>> = {
  active: 'list',
  paused: 'list',
  delayed: 'zset',
  'waiting-children': 'zset',
  repeat: 'zset',
  meta: 'hash',
  id: 'string',
  pc: 'string',
  wait: 'list',
  prioritized: 'zset',
  completed: 'zset',
  failed: 'zset',
  marker: 'zset',
  stalled: 'set',
  events: 'stream',
  'stalled-check': 'string',
  limiter: 'string',
};

/**
 * Settings that BullMQ keeps in the queue, for all its workers; only Holdfast's processes decide how jobs are taken.
 */
const LIFTED_SETTINGS = ['paused', 'max', 'duration'] as const;

const BATCH = 200;

/** What {@link repairQueue} needs to know of a queue. */
export interface RepairedQueue {
  readonly queue: string;
  readonly prefix: string;
  /** How many of its jobs may be active at a time; null: as many as its workers take. */
  readonly concurrency: number | null;
}

/** What one look at a queue has found. */
export interface QueueLook {
  readonly needsRepair: boolean;
  readonly hasActive: boolean;
  /** It has jobs that are delayed until after `tooLateScore`, or wait for other jobs. */
  readonly hasEndless: boolean;
}

/** Looks, in one script, whether there is anything to do for a queue: mostly there is not. */
export async function lookAtQueue(
  scripts: ScriptRunner,
  { prefix, concurrency }: RepairedQueue,
  tooLateScore: number,
): Promise<QueueLook> {
  const names = Object.keys(TYPES).map(name => prefix + name);
  const reply = await scripts.run('lookAtQueue', names, [
    concurrency ?? 'any',
    tooLateScore,
    ...Object.values(TYPES),
  ]);
  // SAFETY: the script answers with three numbers.
  const [needsRepair, hasActive, hasEndless] = (reply as number[]).map(flag => flag > 0);
  return { needsRepair: needsRepair ?? true, hasActive: hasActive ?? true, hasEndless: hasEndless ?? true };
}

/**
 * Repairs a queue that another writer has damaged or changed: keys of another type than BullMQ expects (each stops
 * every command on the queue), a pause, limits, counters that are not numbers, and schedulers that add jobs for ever.
 * Answers what was removed. The sweeps add the jobs of dropped keys again, from the rows.
 */
export async function repairQueue(
  redis: Redis,
  { queue, prefix, concurrency }: RepairedQueue,
  nowMs: number,
): Promise<BadJob[]> {
  const wrong = await dropWrongKeys(redis, prefix);
  await liftSettings(redis, prefix);
  await setConcurrency(redis, prefix, concurrency);
  await repairCounters(redis, prefix, nowMs);
  const schedulers = await dropSchedulers(redis, prefix);
  return [
    ...wrong.map(({ name, type }): BadJob => ({
      queue,
      jobId: name,
      name: '',
      reason: 'damaged',
      detail: `the queue's key ${name} was a ${type}`,
      data: '',
    })),
    ...schedulers.map(({ id, fields }): BadJob => ({
      queue,
      jobId: id,
      name: fields['name'] ?? '',
      reason: 'repeated',
      detail: 'a job scheduler',
      data: fields['data'] ?? '',
    })),
  ];
}

async function dropWrongKeys(redis: Redis, prefix: string): Promise<{ name: string; type: string }[]> {
  const names = Object.keys(TYPES);
  const types = await Promise.all(names.map(name => redis.type(prefix + name)));
  const wrong = names.flatMap((name, at) => {
    const type = types[at] ?? 'none';
    return type === 'none' || type === TYPES[name] ? [] : [{ name, type }];
  });
  if (wrong.length > 0) await redis.del(...wrong.map(({ name }) => prefix + name));
  return wrong;
}

async function liftSettings(redis: Redis, prefix: string): Promise<void> {
  const lifted = await redis.hdel(`${prefix}meta`, ...LIFTED_SETTINGS);
  const waiting = await redis.lrangeBuffer(`${prefix}paused`, 0, BATCH - 1);
  if (lifted === 0 && waiting.length === 0) return;
  const change = redis.multi();
  if (waiting.length > 0)
    change.rpush(`${prefix}wait`, ...waiting).ltrim(`${prefix}paused`, waiting.length, -1);
  // Wakes a waiting worker.
  await change.zadd(`${prefix}marker`, 0, '0').exec();
}

async function setConcurrency(redis: Redis, prefix: string, concurrency: number | null): Promise<void> {
  const key = `${prefix}meta`;
  const found = await redis.hget(key, 'concurrency');
  if (found === (concurrency === null ? null : String(concurrency))) return;
  const change = redis.multi();
  if (concurrency === null) change.hdel(key, 'concurrency');
  else change.hset(key, 'concurrency', concurrency);
  await change.zadd(`${prefix}marker`, 0, '0').exec();
}

/* Ids continue from the current time, because earlier ids may still be in use. */
async function repairCounters(redis: Redis, prefix: string, nowMs: number): Promise<void> {
  const [id, priority] = await redis.mget(`${prefix}id`, `${prefix}pc`);
  if (!counts(id)) await redis.set(`${prefix}id`, nowMs);
  if (!counts(priority)) await redis.del(`${prefix}pc`);
}

const counts = (value: string | null | undefined): boolean =>
  value === null || value === undefined || /^\d{1,15}$/.test(value);

async function dropSchedulers(
  redis: Redis,
  prefix: string,
): Promise<{ id: string; fields: Record<string, string> }[]> {
  const ids = await redis.zrangeBuffer(`${prefix}repeat`, '0', `${BATCH - 1}`);
  const dropped: { id: string; fields: Record<string, string> }[] = [];
  for (const id of ids) {
    const key = Buffer.concat([Buffer.from(`${prefix}repeat:`), id]);
    const isHash = (await redis.type(key)) === 'hash';
    const [name, data] = isHash ? await redis.hmget(key, 'name', 'data') : [];
    const [removed] = (await redis.multi().zrem(`${prefix}repeat`, id).del(key).exec()) ?? [];
    if (removed?.[1] === 1)
      dropped.push({ id: id.toString(), fields: { name: name ?? '', data: data ?? '' } });
  }
  return dropped;
}
