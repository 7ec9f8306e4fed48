import { frameHeaderAt, MASK_BYTES, type FrameHeader } from '../../../src/core/frame-header';

/*
 * Messages in a stream of WebSocket frames (RFC 6455, section 5.2), as far as it matters whether a browser is in use.
 */

/** In the first byte of a frame: the last one of its message. */
const FIN = 0x80;

/** In the first byte of a frame: ping, pong and close, which are whole and may stand between frames of a message. */
const CONTROL = 0x08;
const OPCODE = 0x0f;

/** The longest payload of a control frame. */
const CONTROL_MAX_BYTES = 125;

/** So much of the end of a long message is kept. */
const TAIL_BYTES = 512;

/** What is kept of a message. */
export interface KeptText {
  /** Its beginning, or all of it. */
  readonly head: string;
  /** Its last bytes, 512 at most. */
  readonly tail: string;
  readonly isWhole: boolean;
}

/** What happens with frames. */
export interface FrameHandlers {
  /** A frame of a message begins, or goes on. */
  readonly onData: () => void;
  readonly onMessage: (text: KeptText) => void;
  /** Whether to pass this control frame on; default: all are. */
  readonly onControl?: (opcode: number, payload: Buffer) => boolean;
}

/** Follows the frames of one direction. */
export class FrameReader {
  #passing = 0;
  #isLast = false;
  #mask: Buffer | null = null;
  /** Bytes of the current frame's payload before the next one. */
  #masked = 0;
  #begun: Buffer | null = null;
  #message: MessageText;

  /** @param headBytes - how much of the beginning of a message is kept */
  constructor(
    private readonly headBytes: number,
    private readonly handlers: FrameHandlers,
  ) {
    this.#message = new MessageText(headBytes);
  }

  /** Whether all frames so far are complete. */
  get isBetweenFrames(): boolean {
    return this.#passing === 0 && this.#begun === null;
  }

  /** Takes the next bytes and returns those to pass on: a header or control frame that is not complete yet waits. */
  push(arrived: Buffer): Buffer {
    const bytes = this.#begun === null ? arrived : Buffer.concat([this.#begun, arrived]);
    this.#begun = null;
    const dropped: (readonly [number, number])[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#passing > 0) {
        at += this.#take(bytes.subarray(at, at + this.#passing));
        continue;
      }
      const header = frameHeaderAt(bytes, at);
      const isControl = header !== null && isControlFrame(header);
      const end =
        header === null ? Infinity : at + header.headerBytes + (isControl ? header.payloadBytes : 0);
      if (header === null || end > bytes.length) {
        // A copy: a view would keep the whole chunk in memory for a few bytes.
        this.#begun = Buffer.from(bytes.subarray(at));
        break;
      }
      if (!isControl) this.#begin(header, bytes.subarray(at, end));
      else if (!this.#control(header, bytes.subarray(at, end))) dropped.push([at, end]);
      at = end;
    }
    return without(bytes.subarray(0, at), dropped);
  }

  #begin(header: FrameHeader, head: Buffer): void {
    this.handlers.onData();
    this.#passing = header.payloadBytes;
    this.#isLast = (header.first & FIN) !== 0;
    this.#mask = header.isMasked ? Buffer.from(head.subarray(head.length - MASK_BYTES)) : null;
    this.#masked = 0;
    if (this.#passing === 0) this.#endFrame();
  }

  #take(payload: Buffer): number {
    this.handlers.onData();
    this.#message.add(payload, this.#mask, this.#masked);
    this.#masked += payload.length;
    this.#passing -= payload.length;
    if (this.#passing === 0) this.#endFrame();
    return payload.length;
  }

  #endFrame(): void {
    if (!this.#isLast) return;
    const message = this.#message;
    this.#message = new MessageText(this.headBytes);
    this.handlers.onMessage(message.kept());
  }

  #control({ first, headerBytes, isMasked }: FrameHeader, frame: Buffer): boolean {
    const mask = isMasked ? frame.subarray(headerBytes - MASK_BYTES, headerBytes) : null;
    return this.handlers.onControl?.(first & OPCODE, unmasked(frame.subarray(headerBytes), mask, 0)) ?? true;
  }
}

/** What is kept of a message while it arrives. */
class MessageText {
  readonly #head: Buffer[] = [];
  #headLength = 0;
  #tail: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(private readonly headBytes: number) {}

  add(payload: Buffer, mask: Buffer | null, offset: number): void {
    this.#length += payload.length;
    const head = payload.subarray(0, this.headBytes - this.#headLength);
    if (head.length > 0) {
      this.#head.push(unmasked(head, mask, offset));
      this.#headLength += head.length;
    }
    const cut = Math.max(0, payload.length - TAIL_BYTES);
    const tail = unmasked(payload.subarray(cut), mask, offset + cut);
    this.#tail = Buffer.concat([this.#tail, tail]).subarray(-TAIL_BYTES);
  }

  kept(): KeptText {
    return {
      head: Buffer.concat(this.#head).toString(),
      tail: this.#tail.toString(),
      isWhole: this.#length === this.#headLength,
    };
  }
}

const isControlFrame = ({ first, payloadBytes }: FrameHeader): boolean =>
  (first & CONTROL) !== 0 && payloadBytes <= CONTROL_MAX_BYTES;

/* A copy. `offset` says where in the payload of its frame it begins. */
function unmasked(payload: Buffer, mask: Buffer | null, offset: number): Buffer {
  const text = Buffer.from(payload);
  if (mask === null) return text;
  for (let i = 0; i < text.length; i += 1)
    text.writeUInt8(text.readUInt8(i) ^ mask.readUInt8((offset + i) % MASK_BYTES), i);
  return text;
}

function without(bytes: Buffer, dropped: readonly (readonly [number, number])[]): Buffer {
  if (dropped.length === 0) return bytes;
  const kept: Buffer[] = [];
  let from = 0;
  for (const [start, end] of dropped) {
    kept.push(bytes.subarray(from, start));
    from = end;
  }
  return Buffer.concat([...kept, bytes.subarray(from)]);
}
