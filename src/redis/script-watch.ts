import { realpath } from 'node:fs/promises';
import { pause } from '../core/abort';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { blockingOptions, openRedis, type Redis } from './connection';

const LOOK_EVERY_MS = 250;

/** Longer than any Redis is silent before it says that it is busy, which are 5 s unless its operator says otherwise. */
const LONGEST_SILENCE_MS = 20_000;

/** What a script watch works with. */
export interface ScriptWatchOptions {
  readonly redisUrl: string;
  /** Where the Redis keeps its data that may be ended to be rid of a script; null: none may. */
  readonly ownRedisDir: string | null;
  readonly log: Logger;
}

/**
 * Ends scripts that do not end. Producers have to be allowed to run scripts, since BullMQ adds jobs by them, and one that
 * loops stops everything. Redis answers `BUSY` once it has run for `busy-reply-threshold`; the watch has a connection of its own
 * for that answer, and says `SCRIPT KILL` on it.
 */
export class ScriptWatch {
  readonly #redis: Redis;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** Null as long as nobody could be asked. */
  #isOwn: boolean | null = null;
  #wasBusy = false;
  #isReported = false;

  constructor(private readonly options: ScriptWatchOptions) {
    const { redisUrl, log } = options;
    // Nothing is sent twice: a SHUTDOWN that the next Redis would get as well, would end that one, too.
    this.#redis = openRedis(
      { ...blockingOptions(redisUrl, LONGEST_SILENCE_MS), maxRetriesPerRequest: 0 },
      log,
    );
  }

  /** Begins to look. */
  start(): void {
    this.#loop = this.#run();
  }

  /** Stops looking, and disconnects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#redis.disconnect();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#isOwn ??= await this.#isOwnRedis().catch(() => null);
      await this.#look().catch((error: unknown) => {
        if (!signal.aborted) this.options.log.debug({ err: error }, 'looking for endless scripts failed');
      });
      await pause(LOOK_EVERY_MS, signal);
    }
  }

  async #isOwnRedis(): Promise<boolean> {
    const { ownRedisDir } = this.options;
    if (ownRedisDir === null) return false;
    const reply: unknown = await this.#redis.config('GET', 'dir');
    return Array.isArray(reply) && reply[1] === (await realpath(ownRedisDir));
  }

  async #look(): Promise<void> {
    const isBusy = await this.#isBusy();
    // A machine that slept in the middle of a script finds it late as well: it ends by itself then, in this time.
    if (isBusy && this.#wasBusy) await this.#end('SCRIPT');
    this.#wasBusy = isBusy;
    if (!isBusy) this.#isReported = false;
  }

  async #isBusy(): Promise<boolean> {
    try {
      await this.#redis.ping();
      return false;
    } catch (error) {
      if (messageOf(error).startsWith('BUSY')) return true;
      throw error;
    }
  }

  async #end(kind: 'SCRIPT' | 'FUNCTION'): Promise<void> {
    try {
      await this.#redis.call(kind, 'KILL');
      this.options.log.warn({ kind }, 'a script that did not end was killed');
    } catch (error) {
      const message = messageOf(error);
      // It has ended, or another process was quicker.
      if (message.startsWith('NOTBUSY')) return;
      if (message.startsWith('BUSY') && kind === 'SCRIPT') return this.#end('FUNCTION');
      if (!message.startsWith('UNKILLABLE')) throw error;
      await this.#endWithRedis(message);
    }
  }

  /* It has written. Redis ends no such script, so that nothing is half done; its writes are not in the append-only file yet. */
  async #endWithRedis(reason: string): Promise<void> {
    const { log } = this.options;
    if (!this.#isReported)
      log.error({ reason, restarts: this.#isOwn === true }, 'a script that has written does not end');
    this.#isReported = true;
    if (this.#isOwn === true) await this.#redis.call('SHUTDOWN', 'NOSAVE');
  }
}
