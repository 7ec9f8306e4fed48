import { pause } from '../core/abort';
import type { Logger } from '../core/logger';
import { BLOCK_MS, type Redis } from './connection';

const RETRY_MS = 100;
const BATCH = 500;

/** Dependencies of {@link StreamTail}. */
export interface StreamTailOptions {
  /** A connection of its own; it blocks, and is closed by {@link StreamTail.stop}. */
  readonly redis: Redis;
  readonly stream: string;
  /** Called with the one field of every entry, in order, and the entry's id. */
  readonly onEntry: (json: string, id: string) => void;
  /** Entries may have been missed: the server was away, and may be another one or rolled back. Read the rows again. */
  readonly onGap: () => void;
  /** Called whenever the blocking read returns, with or without entries. */
  readonly onRead?: () => void;
  readonly log: Logger;
}

/**
 * Follows a capped stream from its newest entry on. It reports gaps but does not prevent them: the listener must be
 * able to find out in another way what it has missed.
 */
export class StreamTail {
  #lastId = '0-0';
  #gap = false;
  #running: Promise<void> | null = null;
  readonly #stop = new AbortController();

  constructor(private readonly options: StreamTailOptions) {}

  /** Resolves once the position is known: every entry added from then on is delivered. */
  async start(): Promise<void> {
    this.#lastId = await this.#newestId();
    this.options.onRead?.();
    // The latter is a cluster's word for the loss of one node.
    for (const loss of ['close', '-node']) this.options.redis.on(loss, () => (this.#gap = true));
    this.#running = this.#follow();
  }

  /** Ends the blocking read with its connection. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.options.redis.disconnect();
    await this.#running;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#gap) await this.#closeGap();
        await this.#read();
      } catch (error) {
        if (signal.aborted) return;
        this.#gap = true;
        this.options.log.debug({ err: error, stream: this.options.stream }, 'reading a stream failed');
        await pause(RETRY_MS, signal);
      }
    }
  }

  /*
   * The last id may be newer than every entry of a rolled-back server, so the tail restarts at the server's newest
   * entry.
   */
  async #closeGap(): Promise<void> {
    this.#gap = false;
    this.#lastId = await this.#newestId();
    this.options.onGap();
  }

  async #newestId(): Promise<string> {
    const newest = await this.options.redis.xrevrange(this.options.stream, '+', '-', 'COUNT', 1);
    return newest[0]?.[0] ?? '0-0';
  }

  async #read(): Promise<void> {
    const { redis, stream, onEntry, onRead } = this.options;
    const reply = await redis.xread('COUNT', BATCH, 'BLOCK', BLOCK_MS, 'STREAMS', stream, this.#lastId);
    onRead?.();
    for (const [id, fields] of reply?.[0]?.[1] ?? []) {
      this.#lastId = id;
      onEntry(fields[1] ?? '', id);
    }
  }
}
