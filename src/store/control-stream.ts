import { pause } from '../core/abort';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import { BLOCK_MS, type Redis } from '../redis/connection';
import { keys } from '../redis/keys';

/** An order the commit script gave to the owner of a session that has ended. */
export interface CloseOrder {
  readonly order: 'close';
  readonly ref: SessionRef;
  readonly claimId: string;
}

/**
 * Reads a worker's control stream. Orders may be missed (the stream is capped, Redis restarts): `closing` in the
 * store is the obligation, this is only how it becomes fast.
 */
export class ControlStream {
  #stopped = false;
  #running: Promise<void> | null = null;
  readonly #stop = new AbortController();

  /** @param redis - a connection of its own; it blocks */
  constructor(
    private readonly redis: Redis,
    private readonly log: Logger,
  ) {}

  /** Starts reading at the newest entry. `onGap` is called after each reconnect, when orders may have been missed. */
  async start(workerId: string, onOrder: (order: CloseOrder) => void, onGap: () => void): Promise<void> {
    const stream = keys.control(workerId);
    const newest = await this.redis.xrevrange(stream, '+', '-', 'COUNT', 1);
    let lastId = newest[0]?.[0] ?? '0-0';
    this.redis.on('ready', onGap);
    this.#running = (async () => {
      while (!this.#stopped) {
        try {
          const reply = await this.redis.xread('COUNT', 200, 'BLOCK', BLOCK_MS, 'STREAMS', stream, lastId);
          for (const [id, fields] of reply?.[0]?.[1] ?? []) {
            lastId = id;
            // SAFETY: the stream is written by the commit script only.
            onOrder(JSON.parse(fields[1] ?? '{}') as CloseOrder);
          }
        } catch (error) {
          if (this.#stopped) return;
          this.log.warn({ err: error }, 'reading the control stream failed');
          await pause(100, this.#stop.signal);
        }
      }
    })();
  }

  /** Stops reading and closes the connection. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stop.abort();
    this.redis.disconnect();
    await this.#running;
  }
}
