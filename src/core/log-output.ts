import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';
import { systemCodeOf } from './errors';

/** At most so much waits for a reader; lines beyond it are dropped and counted. */
const WAITING_MAX_BYTES = 1_048_576;

/** How often a write of waiting lines is retried; a pipe takes 64 KiB at a time. */
const RETRY_MS = 50;

/** How long the last lines of a process wait for a reader that takes nothing, and for one that takes some of them. */
const STALLED_FLUSH_MS = 250;
const LONGEST_FLUSH_MS = 1_000;

const FLUSH_RETRY_MS = 5;

/** pino's number for `fatal`. */
const FATAL = 60;

/** The symbol by which pino recognises a destination that wants metadata. */
const NEEDS_METADATA: unique symbol = Symbol.for('pino.metadata');

const NEW_LINE = Buffer.from('\n');
const STDOUT = 1;

/** Writes some of the bytes and answers how many. @throws EAGAIN when nothing can be taken now, other system errors. */
export type WriteBytes = (bytes: Buffer) => number;

/**
 * Where log lines go. Nothing here blocks. A line is written at once, so that a process that is killed loses none.
 * Lines that the reader does not take wait in memory, up to a bound. Beyond it, and when the disk is full or the
 * terminal gone, lines are dropped; their number is reported as soon as a line can be written again. Lines stay whole
 * and in order.
 */
export class LogOutput implements DestinationStream {
  /** Makes pino set {@link LogOutput.lastLevel} before it writes. */
  readonly [NEEDS_METADATA] = true;
  lastLevel = 0;
  /** Called with the number of dropped lines once lines can be written again. */
  onDropped: (lines: number) => void = () => undefined;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Whether the first of them is the rest of a partly written line. */
  #isBegun = false;
  /** Whether the last write was the beginning of a line whose rest was dropped. */
  #isTorn = false;
  #dropped = 0;
  #retry: NodeJS.Timeout | null = null;

  constructor(private readonly writeBytes: WriteBytes) {}

  /** Takes a line. Never waits, never throws. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    const isFull = this.#waitingBytes + bytes.length > WAITING_MAX_BYTES;
    if (isFull && this.lastLevel < FATAL) {
      this.#dropped += 1;
      return;
    }
    // The reason why a process exits matters more than the lines before it.
    if (this.lastLevel >= FATAL && (isFull || this.#dropped > 0)) this.#dropWaiting();
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writeWaiting();
  }

  /**
   * Gives the reader a moment to take the waiting lines, the last ones of a process. pino calls it after a fatal line.
   */
  flushSync(): void {
    const startedMs = performance.now();
    let movedMs = startedMs;
    while (this.#waiting.length > 0) {
      const before = this.#waitingBytes;
      this.#writeWaiting();
      const nowMs = performance.now();
      if (this.#waitingBytes < before) movedMs = nowMs;
      else sleepSync(FLUSH_RETRY_MS);
      if (nowMs - movedMs > STALLED_FLUSH_MS || nowMs - startedMs > LONGEST_FLUSH_MS) return;
    }
  }

  #writeWaiting(): void {
    let hasWritten = false;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const written = this.#tryWrite(next);
      if (written === 'later') return this.#retryLater();
      hasWritten = written !== 'never';
      const left = written === 'never' ? 0 : next.length - written;
      this.#isBegun = left > 0;
      this.#waitingBytes -= next.length - left;
      if (left > 0) this.#waiting[0] = next.subarray(next.length - left);
      else this.#waiting.shift();
    }
    if (hasWritten && this.#dropped > 0) this.#reportDropped();
  }

  /* How many bytes were written; `never`: the line cannot be written at all, and is dropped. */
  #tryWrite(bytes: Buffer): number | 'later' | 'never' {
    try {
      if (this.#isTorn) this.writeBytes(NEW_LINE);
      this.#isTorn = false;
      return this.writeBytes(bytes);
    } catch (error) {
      if (systemCodeOf(error) === 'EAGAIN') return 'later';
      this.#isTorn ||= this.#isBegun;
      this.#dropped += 1;
      return 'never';
    }
  }

  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.#writeWaiting();
    }, RETRY_MS).unref();
  }

  #dropWaiting(): void {
    const dropped = this.#waiting.splice(this.#isBegun ? 1 : 0);
    this.#dropped += dropped.length;
    this.#waitingBytes = this.#waiting[0]?.length ?? 0;
  }

  #reportDropped(): void {
    const lines = this.#dropped;
    this.#dropped = 0;
    this.onDropped(lines);
  }
}

let stdout: LogOutput | null = null;

/** The standard output of this process for log lines, opened with the first of them so that no write on it waits. */
export function stdoutLines(): LogOutput {
  if (stdout !== null) return stdout;
  let fd: number | null = null;
  const output = new LogOutput(bytes => writeSync((fd ??= nonBlockingStdout()), bytes));
  process.once('exit', () => output.flushSync());
  return (stdout = output);
}

/*
 * Whether writes wait is a property that all processes with this output share, and any of them may change it: Node
 * itself does, and takes it back when it exits. A pipe or terminal is therefore opened once more, for this process
 * alone. A socket cannot be; it is made non-blocking by looking at `process.stdout`. Writes to files never wait for a
 * reader.
 */
function nonBlockingStdout(): number {
  if (fstatSync(STDOUT).isFile()) return STDOUT;
  try {
    return openSync(
      `/proc/self/fd/${STDOUT}`,
      constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
  } catch {
    // A socket, a pipe of another user or one that has lost its reader, a system without /proc.
    return process.stdout.fd;
  }
}

function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
