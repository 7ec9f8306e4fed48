/* The header of a WebSocket frame (RFC 6455, section 5.2). */

/** The first byte of a text message in one frame: FIN and opcode 1. */
export const WHOLE_TEXT = 0x81;

/** The first byte of a close frame: FIN and opcode 8. */
export const CLOSE = 0x88;

/** In the second byte: a mask follows the length. */
export const MASK_BIT = 0x80;

/** The mask, directly before the payload. */
export const MASK_BYTES = 4;

/** The header of a frame. */
export interface FrameHeader {
  /** FIN, reserved bits and opcode. */
  readonly first: number;
  readonly isMasked: boolean;
  /** Length of the header, mask included. */
  readonly headerBytes: number;
  readonly payloadBytes: number;
}

/** The header that begins at `at`; null while not all of it is there. */
export function frameHeaderAt(bytes: Buffer, at: number): FrameHeader | null {
  const there = bytes.length - at;
  if (there < 2) return null;
  const second = bytes[at + 1] ?? 0;
  const isMasked = (second & MASK_BIT) !== 0;
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const headerBytes = 2 + lengthBytes + (isMasked ? MASK_BYTES : 0);
  if (there < headerBytes) return null;
  const payloadBytes =
    lengthBytes === 0
      ? short
      : lengthBytes === 2
        ? bytes.readUInt16BE(at + 2)
        : Number(bytes.readBigUInt64BE(at + 2));
  return { first: bytes[at] ?? 0, isMasked, headerBytes, payloadBytes };
}
