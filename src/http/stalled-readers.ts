import { readFile } from 'node:fs/promises';
import { isIPv4, type Socket } from 'node:net';
import { endianness } from 'node:os';
import { pause } from '../core/abort';
import type { Clock } from '../core/clock';

const CHECK_EVERY_MS = 2_500;

/** How long a reader may take nothing while something waits for it. */
const STALL_MS = 30_000;

/** As much may wait in the system for one reader; it alone would let megabytes pile up. */
const ROOM_BYTES = 128 * 1_024;

/** How often it is looked whether a reader has made room: readers over a network drain their buffer in about this time. */
const ROOM_LOOK_MS = 100;

/** What {@link StalledReaders} works with. */
export interface StalledReadersParts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Bytes that the system holds for the other end, by {@link connectionKey}. Default: what Linux tells. */
  readonly sendQueues?: () => Promise<ReadonlyMap<string, number>>;
  readonly checkEveryMs?: number;
  readonly stallMs?: number;
}

/** A connection that is being watched. */
export interface WatchedReader {
  /** Resolves when little enough waits for the other end that more may be written, or when nobody watches any more. */
  room(): Promise<void>;
  /** Ends it. */
  unwatch(): void;
}

interface Reader {
  readonly socket: Socket;
  readonly cut: () => void;
  readonly unwatched: AbortController;
  /** Bytes that had been written, that waited, and that the other end had acknowledged when we last looked. */
  written: number;
  waiting: number;
  taken: number;
  sinceMs: number;
}

/**
 * Cuts connections whose other end has stopped to read, and keeps writers from filling the system's buffers for one that
 * is slow. Node sees a reader stall only when the system's send buffer is full, some megabytes later; until then the reader
 * costs memory that no process shows. The system knows better: what it still holds, and whether that moves.
 */
export class StalledReaders {
  readonly #readers = new Set<Reader>();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;

  constructor(private readonly parts: StalledReadersParts) {}

  /** Watches a connection, and calls `cut` once if it stalls. */
  watch(socket: Socket, cut: () => void): WatchedReader {
    const unwatched = new AbortController();
    const counts = { written: socket.bytesWritten, waiting: 0, taken: 0 };
    const reader = { socket, cut, unwatched, ...counts, sinceMs: this.parts.clock.monotonicMs() };
    this.#readers.add(reader);
    this.#timer ??= setInterval(() => void this.#look(), this.parts.checkEveryMs ?? CHECK_EVERY_MS);
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

  /* One look serves everybody who wants one meanwhile. */
  #look(): Promise<void> {
    this.#looking ??= this.#check().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #check(): Promise<void> {
    const { clock, sendQueues = linuxSendQueues, stallMs = STALL_MS } = this.parts;
    const queues = await sendQueues();
    const nowMs = clock.monotonicMs();
    for (const reader of [...this.#readers]) {
      const { socket } = reader;
      const waiting = (queues.get(connectionKey(socket)) ?? 0) + socket.writableLength;
      const taken = socket.bytesWritten - waiting;
      reader.written = socket.bytesWritten;
      reader.waiting = waiting;
      if (waiting === 0 || taken > reader.taken) {
        reader.taken = taken;
        reader.sinceMs = nowMs;
      } else if (nowMs - reader.sinceMs >= stallMs) {
        this.#unwatch(reader);
        reader.cut();
      }
    }
  }
}

/** Names a connection as `/proc/net/tcp` does: both ends in hexadecimal. */
export function connectionKey({ localAddress, localPort, remoteAddress, remotePort }: SocketEnds): string {
  return `${endOf(localAddress, localPort)} ${endOf(remoteAddress, remotePort)}`;
}

/** The two ends of a connection. */
export type SocketEnds = Partial<Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>>;

/** The `tx_queue` of every TCP connection of this network namespace, see proc_net_tcp in the kernel's documentation. */
export async function linuxSendQueues(): Promise<ReadonlyMap<string, number>> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readTable));
  const rows = tables.flatMap(table => table.split('\n').slice(1));
  return new Map(
    rows.map(row => {
      const [, local = '', remote = '', , queues = ''] = row.trim().split(/\s+/);
      return [`${local} ${remote}`, Number.parseInt(queues.split(':')[0] ?? '', 16) || 0];
    }),
  );
}

async function readTable(path: string): Promise<string> {
  // No such table: another system, or one without IPv6. Readers then stall when Node's own buffer says so.
  return readFile(path, 'utf8').catch(() => '');
}

/* Words of four bytes in the machine's order; an IPv4 address on an IPv6 socket is a mapped one there as well. */
function endOf(address = '', port = 0): string {
  const bytes = isIPv4(address) ? address.split('.').map(Number) : ipv6Bytes(address);
  const ordered = endianness() === 'LE' ? bytes.map((_, i) => bytes[(i & ~3) + 3 - (i & 3)] ?? 0) : bytes;
  const hex = ordered.map(byte => byte.toString(16).padStart(2, '0')).join('');
  return `${hex}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

function ipv6Bytes(address: string): number[] {
  const mapped = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, prefix = '', ...quad] = mapped ?? [];
  const pair = (high = '0', low = '0'): string => (Number(high) * 256 + Number(low)).toString(16);
  const text = mapped === null ? address : `${prefix}${pair(quad[0], quad[1])}:${pair(quad[2], quad[3])}`;
  const [head = '', tail] = text.replace(/%.*$/, '').split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after].flatMap(group => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
