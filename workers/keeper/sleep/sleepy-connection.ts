import type { Clock } from '../../../src/core/clock';
import { CommandLedger } from './command-ledger';
import { ConnectionEvents } from './connection-events';
import { FrameReader } from './frames';

/** Opcodes of control frames. */
const CLOSE = 0x8;
const PING = 0x9;

/** FIN and the opcode of a pong. */
const PONG_FRAME = 0x8a;

/** A longer command is not read, only its ends. */
const COMMAND_MAX_BYTES = 65_536;

/** Enough for the beginning of an answer, or of the event that a session is detached. */
const ANSWER_HEAD_BYTES = 256;

/** A longer answer to the handshake is not taken for one. */
const HANDSHAKE_MAX_BYTES = 16_384;
const HANDSHAKE_END = '\r\n\r\n';

/** The browser behind a connection. */
export interface SleepyBrowser {
  /** Whether it sleeps now. */
  readonly isAsleep: boolean;
  /** Somebody needs it now; answers whether it slept. */
  needed(): boolean;
  /** It has sent something to a client. */
  heard(): void;
}

/** Dependencies of {@link SleepyConnection}. */
export interface SleepyConnectionParts {
  readonly sleeper: SleepyBrowser;
  /** Sends bytes to the client. */
  readonly reply: (bytes: Buffer) => void;
  /** Called with the time from the bytes that woke the browser to its first ones. */
  readonly onAnswered: (tookMs: number) => void;
  readonly onClosed: () => void;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/**
 * One connection of a client to a browser that may sleep: what is said on it wakes the browser or keeps it awake. Pings
 * do neither, since clients send them for as long as they are connected; while the browser sleeps they are answered
 * here.
 */
export class SleepyConnection {
  readonly #ledger = new CommandLedger();
  readonly #others = new ConnectionEvents();
  readonly #fromClient: FrameReader;
  readonly #fromBrowser: FrameReader;
  /** What has come of the answer to the handshake; null: it is over. */
  #handshake: Buffer | null = Buffer.alloc(0);
  #isOpen = true;
  #wokeAtMs: number | null = null;

  constructor(private readonly parts: SleepyConnectionParts) {
    this.#fromClient = new FrameReader(COMMAND_MAX_BYTES, {
      onData: () => this.#needed(),
      onMessage: text => this.#ledger.sent(text),
      onControl: (opcode, payload) => this.#onControl(opcode, payload),
    });
    this.#fromBrowser = new FrameReader(ANSWER_HEAD_BYTES, {
      onData: () => undefined,
      onMessage: text => {
        this.#ledger.received(text);
        if (!this.#others.includes(text.head)) parts.sleeper.heard();
      },
    });
    this.#needed();
  }

  /** Whether something is under way: the handshake, a command without its answer, half of a frame. */
  get isBusy(): boolean {
    const isBetween = this.#fromClient.isBetweenFrames && this.#fromBrowser.isBetweenFrames;
    return this.#handshake !== null || this.#ledger.outstanding > 0 || !isBetween;
  }

  /** Takes what the client sends and returns what to pass on. */
  fromClient(chunk: Buffer): Buffer {
    return this.#fromClient.push(chunk);
  }

  /** Takes what the browser sends, all of which is passed on. */
  fromBrowser(chunk: Buffer): void {
    if (this.#wokeAtMs !== null) this.parts.onAnswered(this.parts.clock.monotonicMs() - this.#wokeAtMs);
    this.#wokeAtMs = null;
    const frames = this.#handshake === null ? chunk : this.#afterHandshake(this.#handshake, chunk);
    if (frames !== null) this.#fromBrowser.push(frames);
  }

  /** Nothing waits here any more. */
  close(): void {
    this.#isOpen = false;
    this.parts.onClosed();
  }

  #needed(): void {
    if (this.parts.sleeper.needed()) this.#wokeAtMs ??= this.parts.clock.monotonicMs();
  }

  #onControl(opcode: number, payload: Buffer): boolean {
    if (opcode === CLOSE) this.#needed();
    if (opcode === CLOSE || !this.parts.sleeper.isAsleep) return true;
    // It is not inside of a frame: then the browser would not have fallen asleep.
    if (opcode === PING && this.#isOpen)
      this.parts.reply(Buffer.concat([Buffer.from([PONG_FRAME, payload.length]), payload]));
    return false;
  }

  /* The first bytes behind the handshake; null: there are none yet, or it was refused. */
  #afterHandshake(before: Buffer, chunk: Buffer): Buffer | null {
    const bytes = Buffer.concat([before, chunk]);
    const end = bytes.indexOf(HANDSHAKE_END);
    if (end < 0 && bytes.length <= HANDSHAKE_MAX_BYTES) {
      this.#handshake = bytes;
      return null;
    }
    this.#handshake = null;
    const isAccepted = end >= 0 && bytes.subarray(0, end).toString('latin1').startsWith('HTTP/1.1 101 ');
    return isAccepted ? bytes.subarray(end + HANDSHAKE_END.length) : null;
  }
}
