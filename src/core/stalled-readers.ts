import type { Socket } from 'node:net';
import { pause } from './abort';
import type { Clock } from './clock';
import { readTcpTable, TCP_TABLES, tcpEnd, tcpRows } from './tcp-table';

const CHECK_EVERY_MS = 2_500;

/** When a reader that takes nothing is disconnected. */
export interface StallRule {
  /** Which readers it applies to: all with bytes waiting, or only those with so many that nothing more is written. */
  readonly appliesTo: 'waiting' | 'blocked';
  /** How long such a reader may take nothing, milliseconds, by the rate of the last writes to it. */
  readonly limitMs: (bytesPerSecond: number) => number;
}

/** The rule for answers that Holdfast itself writes: 30 s. */
const ANY_WAITING: StallRule = { appliesTo: 'waiting', limitMs: () => 30_000 };

/** At most so much may wait in the kernel for one reader; the kernel alone would buffer megabytes. */
const ROOM_BYTES = 128 * 1_024;

/** How often to check whether a reader has made room: readers over a network drain their buffer in about this time. */
const ROOM_LOOK_MS = 100;

/** Dependencies of {@link StalledReaders}. */
export interface StalledReadersParts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Bytes that the kernel holds for the other end, by {@link connectionKey}. Default: read from Linux. */
  readonly sendQueues?: () => Promise<ReadonlyMap<string, number>>;
  readonly checkEveryMs?: number;
  /** Default: a reader that takes none of the waiting bytes for 30 s. */
  readonly rule?: StallRule;
}

/** Why a reader was cut: how long it has taken nothing, and the rate of the last writes to it. */
export interface Stall {
  readonly stalledMs: number;
  readonly bytesPerSecond: number;
}

/** A connection that is being watched. */
export interface WatchedReader {
  /** Resolves when few enough bytes wait for the other end that more may be written, or when the watch has ended. */
  room(): Promise<void>;
  /** Ends it. */
  unwatch(): void;
}

interface Reader {
  readonly socket: Socket;
  readonly cut: (stall: Stall) => void;
  readonly unwatched: AbortController;
  /** Bytes written, waiting, and acknowledged by the other end, at the last check. */
  written: number;
  waiting: number;
  taken: number;
  sinceMs: number;
  readonly flow: FlowMeter;
}

/**
 * Cuts connections whose other end has stopped reading, and keeps writers from filling the kernel's buffers for a slow
 * one. Node sees a stalled reader only when the kernel's send buffer is full, some megabytes later; until then the
 * reader costs memory that is accounted to no process. The kernel's own counters show what it still holds, and whether
 * that changes.
 */
export class StalledReaders {
  readonly #readers = new Set<Reader>();
  #timer: NodeJS.Timeout | null = null;
  #lookedMs = 0;
  #looking: Promise<void> | null = null;

  constructor(private readonly parts: StalledReadersParts) {}

  /** Watches a connection, and calls `cut` once if it stalls. */
  watch(socket: Socket, cut: (stall: Stall) => void): WatchedReader {
    const unwatched = new AbortController();
    const counts = { written: socket.bytesWritten, waiting: 0, taken: 0 };
    const nowMs = this.parts.clock.monotonicMs();
    const flow = new FlowMeter(socket.bytesWritten, nowMs);
    const reader = { socket, cut, unwatched, ...counts, sinceMs: nowMs, flow };
    this.#readers.add(reader);
    if (this.#timer === null) {
      this.#lookedMs = nowMs;
      this.#timer = setInterval(() => void this.#look(), this.parts.checkEveryMs ?? CHECK_EVERY_MS);
    }
    return { room: () => this.#room(reader), unwatch: () => this.#unwatch(reader) };
  }

  #unwatch(reader: Reader): void {
    reader.unwatched.abort();
    this.#readers.delete(reader);
    if (this.#readers.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  async #room(reader: Reader): Promise<void> {
    const { signal } = reader.unwatched;
    const atMost = (): number => reader.waiting + (reader.socket.bytesWritten - reader.written);
    if (atMost() <= ROOM_BYTES) return;
    await this.#look();
    while (atMost() > ROOM_BYTES && !signal.aborted) {
      await pause(ROOM_LOOK_MS, signal);
      await this.#look();
    }
  }

  /* Callers that ask during a check share its result. */
  #look(): Promise<void> {
    this.#looking ??= this.#check().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #check(): Promise<void> {
    const { clock, sendQueues = linuxSendQueues, rule = ANY_WAITING } = this.parts;
    const { checkEveryMs = CHECK_EVERY_MS } = this.parts;
    const applies = ({ socket }: Reader): boolean => rule.appliesTo === 'waiting' || socket.writableNeedDrain;
    // The table of all connections is read only if a reader does not keep up.
    const queues = [...this.#readers].some(applies) ? await sendQueues() : new Map<string, number>();
    const nowMs = clock.monotonicMs();
    // Time in which this process was stalled and could not check does not count against a reader.
    const missedMs = Math.max(0, nowMs - this.#lookedMs - 2 * checkEveryMs);
    this.#lookedMs = nowMs;
    for (const reader of [...this.#readers]) {
      const { socket, flow } = reader;
      reader.sinceMs += missedMs;
      const waiting = (queues.get(connectionKey(socket)) ?? 0) + socket.writableLength;
      const taken = socket.bytesWritten - waiting;
      const bytesPerSecond = flow.look(socket.bytesWritten, nowMs);
      reader.written = socket.bytesWritten;
      reader.waiting = waiting;
      const stalledMs = nowMs - reader.sinceMs;
      if (waiting === 0 || taken > reader.taken || !applies(reader)) {
        reader.taken = taken;
        reader.sinceMs = nowMs;
      } else if (stalledMs >= rule.limitMs(bytesPerSecond)) {
        this.#unwatch(reader);
        reader.cut({ stalledMs, bytesPerSecond });
      }
    }
  }
}

/** Measures the rate of writes to a connection from its byte count. */
class FlowMeter {
  #bytesPerSecond = 0;
  #before = 0;

  constructor(
    private bytes: number,
    private atMs: number,
  ) {}

  /* The larger of the last two intervals with writes: a flood may begin, and be held up, at the end of an interval. */
  look(bytes: number, nowMs: number): number {
    if (bytes > this.bytes && nowMs > this.atMs) {
      this.#before = this.#bytesPerSecond;
      this.#bytesPerSecond = ((bytes - this.bytes) * 1_000) / (nowMs - this.atMs);
    }
    this.bytes = bytes;
    this.atMs = nowMs;
    return Math.max(this.#before, this.#bytesPerSecond);
  }
}

/** Names a connection by both ends, as {@link tcpEnd} writes them. */
export const connectionKey = (ends: SocketEnds): string => {
  const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = ends;
  return `${tcpEnd(localAddress, localPort)} ${tcpEnd(remoteAddress, remotePort)}`;
};

/** The two ends of a connection. */
export type SocketEnds = Partial<Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>>;

/**
 * What the kernel holds for the other end of every TCP connection of this network namespace, by {@link connectionKey};
 * empty on another system. Readers then stall when Node's own buffer says so.
 */
export async function linuxSendQueues(): Promise<ReadonlyMap<string, number>> {
  const tables = await Promise.all(TCP_TABLES.map(readTcpTable));
  const rows = tables.flatMap(table => tcpRows(table ?? ''));
  return new Map(rows.map(({ local, remote, unackedBytes }) => [`${local} ${remote}`, unackedBytes]));
}
