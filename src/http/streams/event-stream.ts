import type { Request, Response } from 'express';
import type { StalledReaders, WatchedReader } from '../../core/stalled-readers';

const KEEP_ALIVE_MS = 15_000;

/** How long an `EventSource` waits before it connects again. */
const RETRY_MS = 2_000;

/** One event of a stream. */
export interface StreamEvent {
  readonly event: string;
  /** What the reader sends as `Last-Event-ID` when it comes back. */
  readonly id: string;
  readonly data: unknown;
}

/** How a stream is kept. */
export interface EventStreamOptions {
  /** Cuts readers that do not read. */
  readonly stalledReaders: Pick<StalledReaders, 'watch'>;
  /** Where the reader is while nothing is sent: told with every keep-alive. */
  readonly position?: () => string;
  /** Default: 15 s. */
  readonly keepAliveMs?: number;
}

/**
 * An answer of server-sent events (WHATWG HTML, section 9.2). It keeps nothing back and lets little wait in the connection:
 * {@link EventStream.send} resolves when there is room again. A reader that stops to read is cut; it can come back with
 * its `Last-Event-ID`.
 */
export class EventStream {
  readonly #keepAlive: NodeJS.Timeout;
  readonly #reader: WatchedReader | null;

  /** Sends the head. A HEAD request gets nothing more, and its `send` is never to be called. */
  constructor(
    req: Pick<Request, 'method'>,
    private readonly res: Response,
    private readonly options: EventStreamOptions,
  ) {
    res.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      // A proxy that compresses or collects would hold events back.
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    });
    this.#keepAlive = setInterval(() => this.#keepAliveNow(), options.keepAliveMs ?? KEEP_ALIVE_MS);
    const { socket } = res;
    // A reset, since the system would go on to offer what the reader does not take to a connection that is only closed.
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

  /** Whether nobody reads any more. */
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

  /** Ends the answer: an `EventSource` connects again after a moment, and goes on where it was. */
  end(): void {
    clearInterval(this.#keepAlive);
    this.res.end();
  }

  #keepAliveNow(): void {
    // Somebody who does not read what is there needs no sign of life.
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

/** The id after which a reader wants to go on: the header of an `EventSource` that comes back, else `?since=`. */
export function lastEventIdOf(req: Pick<Request, 'headers' | 'query'>): string | null {
  const header = req.headers['last-event-id'];
  if (typeof header === 'string' && header !== '') return header;
  const { since } = req.query;
  if (since === undefined || since === '') return null;
  // Given twice, or as something else than a text: no id of ours, which is answered like any other unknown one.
  return typeof since === 'string' ? since : 'unknown';
}
