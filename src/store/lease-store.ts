import type { SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';

/** How long a lease lasts, by Redis `TIME`. */
export const LEASE_MS = 10_000;

/** How often a worker renews it. */
export const RENEW_EVERY_MS = 2_000;

/** How long a worker is remembered after its last renewal. */
const REMEMBER_WORKER_MS = 3_600_000;

/** What a worker reports of itself with every renewal. */
export interface WorkerInfo {
  readonly hostname: string;
  readonly slots: number;
  readonly used: number;
  /** Free slots for which a browser is ready; left out: none. */
  readonly warm?: number;
  /** Used slots whose browser sleeps; left out: none. */
  readonly asleep?: number;
  readonly draining: boolean;
}

/** Worker leases: who may own sessions. Lease time is Redis `TIME`, never the clock of another machine. */
export class LeaseStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** Takes or renews the lease; answers whether the worker is drained, so that it must launch nothing. */
  async renew(workerId: string, info: WorkerInfo): Promise<boolean> {
    const fields = Object.entries(info).flatMap(([name, value]) => [name, String(value)]);
    const reply = await this.scripts.run(
      'renewLease',
      [keys.leases, keys.worker(workerId), keys.drained],
      [workerId, LEASE_MS, REMEMBER_WORKER_MS, ...fields],
    );
    return Array.isArray(reply) && reply[2] === 1;
  }

  /**
   * Extends the lease of a worker that cannot renew it itself right now; the worker's record stays as it is.
   *
   * @returns false if there is no lease: it was given up, or its sessions have ended.
   */
  async extend(workerId: string): Promise<boolean> {
    return (await this.scripts.run('extendLease', [keys.leases], [workerId, LEASE_MS])) === 1;
  }

  /** Workers whose lease has lapsed at `nowMs` (Redis `TIME`). */
  async lapsed(nowMs: number): Promise<string[]> {
    return this.redis.zrangebyscore(keys.leases, '-inf', nowMs);
  }

  /** Workers whose lease holds at `nowMs`. */
  async held(nowMs: number): Promise<string[]> {
    return this.redis.zrangebyscore(keys.leases, `(${nowMs}`, '+inf');
  }

  /** The launching and live sessions of a worker. */
  async owned(workerId: string): Promise<SessionRef[]> {
    // SAFETY: the commit script puts only refs into this set.
    return (await this.redis.smembers(keys.owned(workerId))) as SessionRef[];
  }

  /** Gives the lease up at once (orderly exit), or drops that of a worker that owns nothing any more. */
  async drop(workerId: string): Promise<void> {
    await this.redis
      .multi()
      .zrem(keys.leases, workerId)
      .del(keys.worker(workerId), keys.control(workerId))
      .exec();
  }
}
