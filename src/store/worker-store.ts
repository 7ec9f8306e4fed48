import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import { CONTROL_MAX } from './control-stream';
import type { WorkerOrder } from './control-stream';

/** A worker as the installation knows it. */
export interface WorkerRecord {
  readonly id: string;
  /** Null: the worker is drained, and everything else about it has expired. */
  readonly info: {
    readonly hostname: string;
    readonly slots: number;
    readonly used: number;
    /** Free slots for which a browser is ready; 0 for workers of versions before them. */
    readonly warm: number;
    /** Used slots whose browser sleeps; the same. */
    readonly asleep: number;
  } | null;
  /** Launches nothing: an operator has drained it, or it is shutting down. */
  readonly draining: boolean;
  /** Redis `TIME`; null without a lease. */
  readonly leaseExpiresAtMs: number | null;
}

/**
 * The worker machines, and which of them are drained. The drained state is stored apart from what a worker reports of
 * itself: it outlives the worker's process, its lease and its orderly exit, until an operator undrains the worker.
 */
export class WorkerStore {
  constructor(private readonly redis: Redis) {}

  /** Every worker with a lease, lapsed or not, and every one that is drained; by id. */
  async list(): Promise<WorkerRecord[]> {
    const [leases, drained] = await Promise.all([
      this.redis.zrange(keys.leases, '0', '-1', 'WITHSCORES'),
      this.redis.smembers(keys.drained),
    ]);
    const expiries = new Map<string, number>();
    for (let i = 0; i + 1 < leases.length; i += 2) expiries.set(leases[i] ?? '', Number(leases[i + 1]));
    const ids = [...new Set([...expiries.keys(), ...drained])].sort();
    return Promise.all(
      ids.map(async id => {
        const fields = await this.redis.hgetall(keys.worker(id));
        return {
          id,
          info:
            fields['hostname'] === undefined
              ? null
              : {
                  hostname: fields['hostname'],
                  slots: Number(fields['slots']),
                  used: Number(fields['used']),
                  warm: Number(fields['warm'] ?? 0),
                  asleep: Number(fields['asleep'] ?? 0),
                },
          draining: drained.includes(id) || fields['draining'] === 'true',
          leaseExpiresAtMs: expiries.get(id) ?? null,
        };
      }),
    );
  }

  /** Whether a worker has a lease, lapsed or not, or is drained. */
  async exists(workerId: string): Promise<boolean> {
    const [expiresMs, isDrained] = await Promise.all([
      this.redis.zscore(keys.leases, workerId),
      this.redis.sismember(keys.drained, workerId),
    ]);
    return expiresMs !== null || isDrained === 1;
  }

  /** Whether an operator has drained a worker. */
  async isDrained(workerId: string): Promise<boolean> {
    return (await this.redis.sismember(keys.drained, workerId)) === 1;
  }

  /**
   * Drains or undrains a worker. The worker learns of it at once by its control stream, or else with its next renewal.
   */
  async setDrained(workerId: string, drained: boolean): Promise<void> {
    const order: WorkerOrder = { order: 'drain', drained };
    await this.redis
      .multi()
      [drained ? 'sadd' : 'srem'](keys.drained, workerId)
      .xadd(keys.control(workerId), 'NOMKSTREAM', 'MAXLEN', '~', CONTROL_MAX, '*', 'c', JSON.stringify(order))
      .exec();
  }

  /** How many sessions of the whole installation wait for a worker. */
  async queuedSessions(): Promise<number> {
    return this.redis.zcard(keys.queued);
  }
}
