import { frameHeaderAt, MASK_BIT, MASK_BYTES, WHOLE_TEXT, type FrameHeader } from './frame-header';

/** Which messages of a client may be replaced. */
export interface FrameRule {
  /** ASCII text that every replaceable message contains; a longer one makes the search cheaper. */
  readonly needle: string;
  /** Longer messages are forwarded unread and are never held back. */
  readonly maxBytes: number;
  /** The new text of a message; null leaves it as it is. */
  readonly rewrite: (text: string) => string | null;
}

/**
 * Follows the WebSocket frames of a client (RFC 6455, section 5.2) and replaces the few messages a rule is about.
 * Everything else is forwarded byte for byte: a short text frame is searched for the needle without being unmasked or
 * copied, and of all others only the header is read. A short frame that comes in pieces is held back until it is whole.
 */
export class ClientFrames {
  readonly #search: MaskedSearch;
  readonly #rule: FrameRule;
  /** Remaining bytes of a frame that is forwarded unread. */
  #passing = 0;
  /** The beginning of a frame that is not complete yet. */
  #held: Buffer | null = null;

  constructor(rule: FrameRule) {
    this.#rule = rule;
    this.#search = new MaskedSearch(rule.needle);
  }

  /** Takes the next bytes of the client and returns the bytes to forward, which may be none. */
  push(arrived: Buffer): Buffer {
    const bytes = this.#held === null ? arrived : Buffer.concat([this.#held, arrived]);
    this.#held = null;
    const replaced: Buffer[] = [];
    let kept = 0;
    let at = Math.min(this.#passing, bytes.length);
    this.#passing -= at;
    while (at < bytes.length) {
      const header = frameHeaderAt(bytes, at);
      const end = header === null ? Infinity : at + header.headerBytes + header.payloadBytes;
      const isShort = header === null || header.payloadBytes <= this.#rule.maxBytes;
      if (end > bytes.length && isShort) {
        this.#held = bytes.subarray(at);
        break;
      }
      const replacement = header !== null && isShort ? this.#replacement(bytes, at, header) : null;
      if (replacement !== null) {
        replaced.push(bytes.subarray(kept, at), replacement);
        kept = end;
      }
      at = Math.min(end, bytes.length);
      this.#passing = end - at;
    }
    if (replaced.length > 0) return Buffer.concat([...replaced, bytes.subarray(kept, at)]);
    return at === bytes.length ? bytes : bytes.subarray(0, at);
  }

  #replacement(bytes: Buffer, at: number, header: FrameHeader): Buffer | null {
    // Clients must mask their frames. One that is not masked is forwarded; the browser rejects it.
    if (header.first !== WHOLE_TEXT || !header.isMasked) return null;
    const start = at + header.headerBytes;
    const end = start + header.payloadBytes;
    if (!this.#search.isIn(bytes, start, end)) return null;
    const payload = Buffer.from(bytes.subarray(start, end));
    applyMask(payload, bytes.subarray(start - MASK_BYTES, start));
    const text = this.#rule.rewrite(payload.toString());
    return text === null ? null : textFrame(text, bytes.subarray(start - MASK_BYTES, start));
  }
}

/**
 * Finds some ASCII in masked bytes. Wherever the text is, it covers one of the bytes at multiples of its length. Only
 * those are unmasked, and compared further if the byte occurs in the text.
 */
class MaskedSearch {
  readonly #needle: Buffer;
  /** The positions of each of the 256 byte values in the needle. */
  readonly #offsets: readonly (readonly number[])[];

  constructor(needle: string) {
    this.#needle = Buffer.from(needle, 'latin1');
    this.#offsets = Array.from({ length: 256 }, (_, byte) =>
      [...this.#needle.keys()].filter(offset => this.#needle[offset] === byte),
    );
  }

  /** Whether the needle occurs between `start`, right after the mask, and `end`. */
  isIn(bytes: Buffer, start: number, end: number): boolean {
    const { length } = this.#needle;
    for (let at = start + length - 1; at < end; at += length) {
      for (const offset of this.#offsets[unmasked(bytes, start, at)] ?? NONE) {
        if (at - offset + length <= end && this.#isAt(bytes, start, at - offset)) return true;
      }
    }
    return false;
  }

  #isAt(bytes: Buffer, start: number, at: number): boolean {
    for (let i = 0; i < this.#needle.length; i += 1) {
      if (unmasked(bytes, start, at + i) !== this.#needle[i]) return false;
    }
    return true;
  }
}

const NONE: readonly number[] = [];

/* The byte at `at` of a payload that begins at `start`, right after its mask. */
function unmasked(bytes: Buffer, start: number, at: number): number {
  return (bytes[at] ?? 0) ^ (bytes[start - MASK_BYTES + ((at - start) & 3)] ?? 0);
}

function applyMask(payload: Buffer, mask: Buffer): void {
  for (let i = 0; i < payload.length; i += 1) {
    payload.writeUInt8(payload.readUInt8(i) ^ mask.readUInt8(i % MASK_BYTES), i);
  }
}

/** A masked text frame; the client's own mask is used again. */
function textFrame(text: string, mask: Buffer): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(payload.length < 126 ? 2 : 4);
  header.writeUInt8(WHOLE_TEXT, 0);
  header.writeUInt8(MASK_BIT | (payload.length < 126 ? payload.length : 126), 1);
  if (payload.length >= 126) header.writeUInt16BE(payload.length, 2);
  applyMask(payload, mask);
  return Buffer.concat([header, mask, payload]);
}
