import type { SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';

/** How long a process counts as alive after its last heartbeat. */
export const PROCESS_TTL_MS = 10_000;

/** What clients do with live sessions: activity for the idle time-out, and which process has which clients attached. */
export class ActivityStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /**
   * Notes activity now, by Redis `TIME`; `connected` when a client has just been attached: its connect deadline is
   * dropped.
   */
  async note(ref: SessionRef, connected: boolean): Promise<void> {
    await this.scripts.run(
      'noteActivity',
      [keys.row(ref), keys.activity, keys.attached, keys.due],
      [ref, connected ? '1' : '0'],
    );
  }

  /** Notes that clients are connected to these sessions, or wait for them, now by Redis `TIME`. */
  async notePresence(refs: readonly SessionRef[]): Promise<void> {
    await this.scripts.run('notePresence', [keys.present, ...refs.map(ref => keys.row(ref))], refs);
  }

  /** Records that a process is alive and how many clients it has attached to which session. */
  async heartbeat(processId: string, nowMs: number, clients: ReadonlyMap<SessionRef, number>): Promise<void> {
    const key = keys.process(processId);
    const pipeline = this.redis.multi().zadd(keys.processes, nowMs + PROCESS_TTL_MS, processId);
    pipeline.zremrangebyscore(keys.processes, '-inf', nowMs).del(key);
    if (clients.size > 0) pipeline.hset(key, Object.fromEntries(clients)).pexpire(key, PROCESS_TTL_MS);
    await pipeline.exec();
  }

  /** Takes a process out of the count at once. */
  async depart(processId: string): Promise<void> {
    await this.redis.multi().zrem(keys.processes, processId).del(keys.process(processId)).exec();
  }

  /** Clients attached to a session, over all living processes. */
  async attachedClients(ref: SessionRef): Promise<number> {
    const processes = await this.redis.zrangebyscore(keys.processes, '-inf', '+inf');
    const counts = await Promise.all(processes.map(id => this.redis.hget(keys.process(id), ref)));
    return counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
  }
}
