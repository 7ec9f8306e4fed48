import { CLOSE, frameHeaderAt } from './frame-header';

/** A longer answer to the handshake is not taken for one. */
const HANDSHAKE_MAX_BYTES = 16_384;

/** A close frame's payload is at most 125 bytes: two for the code, the others for the reason. */
const REASON_MAX_BYTES = 123;

/** Why a connection is closed, as sent to the other end. */
export interface Closing {
  /** RFC 6455, section 7.4: 1000 … 1014, or 4000 … 4999. */
  readonly code: number;
  /** ASCII; cut off after 123 bytes. */
  readonly reason: string;
}

/**
 * Follows what a WebSocket server sends, headers only, to know where a frame may be inserted: after the handshake,
 * between two of the server's frames, and not after its own close frame.
 */
export class ServerFrames {
  #state: 'handshake' | 'open' | 'refused' | 'closed' = 'handshake';
  /** Remaining bytes of the current frame. */
  #passing = 0;
  /** The beginning of a handshake or header that is not complete yet. */
  #begun: Buffer | null = null;

  /** Whether the server has accepted the handshake and has not sent a close frame. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether a frame may be inserted after the bytes pushed so far. */
  get isBetweenFrames(): boolean {
    return this.isOpen && this.#passing === 0 && this.#begun === null;
  }

  /** Takes the next bytes of the server. */
  push(arrived: Buffer): void {
    const bytes = this.#begun === null ? arrived : Buffer.concat([this.#begun, arrived]);
    this.#begun = null;
    let at = this.#state === 'handshake' ? this.#endOfHandshake(bytes) : 0;
    while (this.isOpen && at < bytes.length) {
      if (this.#passing === 0) {
        const header = frameHeaderAt(bytes, at);
        if (header === null) {
          // A copy: a view would keep the whole chunk in memory for a few bytes.
          this.#begun = Buffer.from(bytes.subarray(at));
          return;
        }
        if (header.first === CLOSE) this.#state = 'closed';
        this.#passing = header.headerBytes + header.payloadBytes;
      }
      const taken = Math.min(this.#passing, bytes.length - at);
      this.#passing -= taken;
      at += taken;
    }
  }

  #endOfHandshake(bytes: Buffer): number {
    const end = bytes.indexOf('\r\n\r\n');
    if (end >= 0) {
      this.#state = bytes.subarray(0, end).toString('latin1').startsWith('HTTP/1.1 101 ')
        ? 'open'
        : 'refused';
      return end + 4;
    }
    if (bytes.length > HANDSHAKE_MAX_BYTES) this.#state = 'refused';
    else this.#begun = bytes;
    return bytes.length;
  }
}

/** A server's close frame. */
export function closeFrame({ code, reason }: Closing): Buffer {
  const text = Buffer.from(reason, 'latin1').subarray(0, REASON_MAX_BYTES);
  const head = Buffer.from([CLOSE, 2 + text.length, code >> 8, code & 0xff]);
  return Buffer.concat([head, text]);
}
