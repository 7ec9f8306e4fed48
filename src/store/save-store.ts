import type { SessionRef } from '../core/ids';
import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';
import { CONTROL_MAX } from './control-stream';

/**
 * Requests for a save of the context of a live session. A request stays until the owner has committed what became of
 * it, so that the next process finishes what a dead one has begun.
 */
export class SaveStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /**
   * Asks the owner for a save. Answers the number of the request: whatever the browser held before is in the save with
   * this number, or a higher one.
   */
  async request(ref: SessionRef, workerId: string): Promise<number> {
    const id = await this.scripts.run(
      'requestSave',
      [keys.saveIds, keys.saves, keys.control(workerId)],
      [ref, CONTROL_MAX],
    );
    return Number(id);
  }

  /** The number of the last request for a session; null if nothing is to be saved. */
  async requested(ref: SessionRef): Promise<number | null> {
    const id = await this.redis.hget(keys.saves, ref);
    return id === null ? null : Number(id);
  }

  /** The sessions for which there is a request. */
  async all(): Promise<SessionRef[]> {
    // SAFETY: the script writes refs as field names.
    return (await this.redis.hkeys(keys.saves)) as SessionRef[];
  }

  /** Drops a request, unless there is a newer one. */
  async finish(ref: SessionRef, saveId: number): Promise<void> {
    await this.scripts.run('finishSave', [keys.saves], [ref, saveId]);
  }
}
