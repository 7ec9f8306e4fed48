import type { Request, Response } from 'express';
import type { StalledReaders, WatchedReader } from '../../core/stalled-readers';

const KEEP_ALIVE_MS = 15_000;

/** How long an `EventSource` waits before it connects again. */
const RETRY_MS = 2_000;

/** One event of a stream. */
export interface StreamEvent {
  readonly event: string;
  /** The reader sends it as `Last-Event-ID` when it reconnects. */
  readonly id: string;
  readonly data: unknown;
}

/** Options of {@link EventStream}. */
export interface EventStreamOptions {
  /** Cuts readers that do not read. */
  readonly stalledReaders: Pick<StalledReaders, 'watch'>;
  /** The reader's position while nothing is sent; sent with every keep-alive. */
  readonly position?: () => string;
  /** Default: 15 s. */
  readonly keepAliveMs?: number;
}

/**
 * An answer of server-sent events (WHATWG HTML, section 9.2). It buffers nothing and lets few bytes wait in the
 * connection: {@link EventStream.send} resolves when there is room again. A reader that stops reading is cut; it can
 * reconnect with its `Last-Event-ID`.
 */
export class EventStream {
  readonly #keepAlive: NodeJS.Timeout;
  readonly #reader: WatchedReader | null;

  /** Sends the head. A HEAD request gets nothing more; `send` must not be called for it. */
  constructor(
    req: Pick<Request, 'method'>,
    private readonly res: Response,
    private readonly options: EventStreamOptions,
  ) {
    res.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      // A proxy that compresses or buffers would delay events.
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    });
    this.#keepAlive = setInterval(() => this.#keepAliveNow(), options.keepAliveMs ?? KEEP_ALIVE_MS);
    const { socket } = res;
    // A reset: after a normal close the kernel would keep trying to deliver the bytes that the reader does not take.
    this.#reader =
      socket === null ? null : options.stalledReaders.watch(socket, () => socket.resetAndDestroy());
    res.once('close', () => {
      clearInterval(this.#keepAlive);
      this.#reader?.unwatch();
    });
    res.flushHeaders();
    if (req.method === 'HEAD') this.end();
    else this.res.write(`retry: ${RETRY_MS}\n\n`);
  }

  /** Whether the connection is closed. */
  get isClosed(): boolean {
    return this.res.destroyed || this.res.writableEnded;
  }

  /** Sends an event; resolves when the next one may be sent, or when the connection is closed. */
  async send({ event, id, data }: StreamEvent): Promise<void> {
    if (this.isClosed) return;
    this.res.write(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
    if (this.res.writableNeedDrain) await this.#drained();
    await this.#reader?.room();
  }

  /** Ends the answer: an `EventSource` reconnects after a moment, and continues at its position. */
  end(): void {
    clearInterval(this.#keepAlive);
    this.res.end();
  }

  #keepAliveNow(): void {
    // A reader with unread bytes needs no keep-alive.
    if (this.res.writableNeedDrain) return;
    const position = this.options.position?.();
    this.res.write(position === undefined ? ': keep-alive\n\n' : `: keep-alive\nid: ${position}\n\n`);
  }

  async #drained(): Promise<void> {
    await new Promise<void>(resolve => {
      const done = (): void => {
        this.res.off('drain', done);
        this.res.off('close', done);
        resolve();
      };
      this.res.on('drain', done);
      this.res.on('close', done);
    });
  }
}

/** The id after which a reader continues: the header of an `EventSource` that reconnects, else `?since=`. */
export function lastEventIdOf(req: Pick<Request, 'headers' | 'query'>): string | null {
  const header = req.headers['last-event-id'];
  if (typeof header === 'string' && header !== '') return header;
  const { since } = req.query;
  if (since === undefined || since === '') return null;
  // Given twice, or not a text: it is answered like any other unknown id.
  return typeof since === 'string' ? since : 'unknown';
}
