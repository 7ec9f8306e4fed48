import { pause } from '../core/abort';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { blockingOptions, openRedis, type Redis } from './connection';

const LOOK_EVERY_MS = 500;

/**
 * Longer than a Redis is silent before it answers that it is busy: 5 s unless its operator has configured otherwise.
 */
const LONGEST_SILENCE_MS = 20_000;

/** Dependencies of {@link ScriptWatch}. */
export interface ScriptWatchOptions {
  readonly redisUrl: string;
  /** A key of the node to watch, where the Redis is a cluster. */
  readonly home?: string;
  /** Whether this Redis may be shut down to end a script: somebody starts it again. */
  readonly mayShutDown: boolean;
  readonly log: Logger;
}

/**
 * Kills scripts that run too long. Producers must be allowed to run scripts, since BullMQ adds jobs by them, and one
 * that loops blocks all of Redis. Redis answers `BUSY` once a script has run for `busy-reply-threshold`; the watch
 * waits for that answer on a connection of its own, and sends `SCRIPT KILL` on it.
 */
export class ScriptWatch {
  readonly #redis: Redis;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #wasBusy = false;
  #isReported = false;

  constructor(private readonly options: ScriptWatchOptions) {
    const { redisUrl, log, home } = options;
    // Commands are never resent: a SHUTDOWN that is sent again would also end the Redis that replaces this one.
    this.#redis = openRedis(
      { ...blockingOptions(redisUrl, LONGEST_SILENCE_MS), maxRetriesPerRequest: 0 },
      log,
      home,
    );
  }

  /** Starts the checks. */
  start(): void {
    this.#loop = this.#run();
  }

  /** Stops the checks and disconnects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#redis.disconnect();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#look().catch((error: unknown) => {
        if (!signal.aborted) this.options.log.debug({ err: error }, 'checking for endless scripts failed');
      });
      await pause(LOOK_EVERY_MS, signal);
    }
  }

  async #look(): Promise<void> {
    const isBusy = await this.#isBusy();
    // A machine that was suspended during a script also makes it look late. Such a script ends by itself before the
    // second check.
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
      this.options.log.warn({ kind }, 'an endless script was killed');
    } catch (error) {
      const message = messageOf(error);
      // The script has ended, or another process has killed it.
      if (message.startsWith('NOTBUSY')) return;
      if (message.startsWith('BUSY') && kind === 'SCRIPT') return this.#end('FUNCTION');
      if (!message.startsWith('UNKILLABLE')) throw error;
      await this.#endWithRedis(message);
    }
  }

  /*
   * The script has written. Redis does not kill such a script, because its effect would be partial; its writes are not
   * in the append-only file yet.
   */
  async #endWithRedis(reason: string): Promise<void> {
    const { mayShutDown, log } = this.options;
    if (!this.#isReported)
      log.error(
        { reason, shutsDown: mayShutDown },
        'an endless script cannot be killed, because it has written',
      );
    this.#isReported = true;
    if (mayShutDown) await this.#redis.call('SHUTDOWN', 'NOSAVE');
  }
}
