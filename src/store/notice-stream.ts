import { EventEmitter } from 'node:events';
import type { SessionStatus } from '../../machines/session/session.types';
import { pause } from '../core/abort';
import type { Clock } from '../core/clock';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import { BLOCK_MS, type Redis } from '../redis/connection';
import { keys } from '../redis/keys';

/** How many notices are kept, about; a reader that falls behind further re-reads rows instead. */
export const NOTICES_MAX = 10_000;

/** What every process hears of. */
export type Notice =
  | {
      readonly type: 'transition';
      readonly ref: SessionRef;
      readonly rev: number;
      readonly at: number;
      readonly opId: string;
      readonly event: string;
      readonly from: SessionStatus | null;
      readonly to: SessionStatus;
      readonly reason?: string | null;
    }
  /** A command that changed nothing has been answered; one that did is told by its transition's opId. */
  | { readonly type: 'outcome'; readonly opId: string; readonly answer: string }
  /** The browser of an ended session is gone. */
  | { readonly type: 'closed'; readonly ref: SessionRef };

interface NoticeEvents {
  notice: [Notice];
  /** Notices may have been missed: whoever waits must read its row again. */
  resync: [];
}

/** Publishes notices that no commit script carries. */
export async function publishNotice(redis: Redis, notice: Notice): Promise<void> {
  await redis.xadd(keys.notices, 'MAXLEN', '~', NOTICES_MAX, '*', 'n', JSON.stringify(notice));
}

/**
 * The one tail of the notices stream in a process. Emits every notice, and `resync` whenever it cannot be sure to
 * have seen all: at start, after a reconnect (the server may be another one, or rolled back).
 */
export class NoticeStream extends EventEmitter<NoticeEvents> {
  #lastReadMs: number;
  #stopped = false;
  #running: Promise<void> | null = null;
  readonly #stop = new AbortController();

  /** @param redis - a connection of its own; it blocks */
  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {
    super();
    this.setMaxListeners(0);
    this.#lastReadMs = -Infinity;
  }

  /** Milliseconds since the blocking read last came back: the truth about this path, unlike a PING. */
  get silentForMs(): number {
    return this.clock.monotonicMs() - this.#lastReadMs;
  }

  /** Starts tailing at the newest notice; resolves once the position is known. */
  async start(): Promise<void> {
    let lastId = await this.#newestId();
    this.#lastReadMs = this.clock.monotonicMs();
    let gap = false;
    this.redis.on('close', () => (gap = true));
    this.#running = (async () => {
      while (!this.#stopped) {
        try {
          if (gap) {
            gap = false;
            lastId = await this.#newestId();
            this.emit('resync');
          }
          lastId = await this.#read(lastId);
        } catch (error) {
          if (this.#stopped) return;
          gap = true;
          this.log.warn({ err: error }, 'reading notices failed');
          await pause(100, this.#stop.signal);
        }
      }
    })();
  }

  /** Stops tailing. The connection is closed with it: that is what ends a blocking read. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stop.abort();
    this.redis.disconnect();
    await this.#running;
  }

  async #newestId(): Promise<string> {
    const newest = await this.redis.xrevrange(keys.notices, '+', '-', 'COUNT', 1);
    return newest[0]?.[0] ?? '0-0';
  }

  async #read(lastId: string): Promise<string> {
    const reply = await this.redis.xread('COUNT', 500, 'BLOCK', BLOCK_MS, 'STREAMS', keys.notices, lastId);
    this.#lastReadMs = this.clock.monotonicMs();
    const entries = reply?.[0]?.[1] ?? [];
    for (const [, fields] of entries) {
      // SAFETY: the stream is written by our scripts and publishNotice only.
      this.emit('notice', JSON.parse(fields[1] ?? '{}') as Notice);
    }
    return entries.at(-1)?.[0] ?? lastId;
  }
}
