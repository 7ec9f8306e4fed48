/** One frame of a WebSocket (RFC 6455, section 5.2). */
export interface Frame {
  /** Default: FIN and text. */
  readonly head?: number;
  readonly payload: Buffer;
  /** Null: not masked, as a server sends. */
  readonly mask: Buffer | null;
}

/** A frame as bytes. */
export function frameBytes({ head = 0x81, payload, mask }: Frame): Buffer {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + lengthBytes);
  header.writeUInt8(head, 0);
  header.writeUInt8((mask === null ? 0 : 0x80) | (length < 126 ? length : lengthBytes === 2 ? 126 : 127), 1);
  if (lengthBytes === 2) header.writeUInt16BE(length, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(length), 2);
  const masked = mask === null ? payload : payload.map((byte, i) => byte ^ mask.readUInt8(i % 4));
  return Buffer.concat([header, mask ?? Buffer.alloc(0), masked]);
}

/** A whole text message. */
export const textFrame = (text: string, mask: Buffer | null): Buffer =>
  frameBytes({ payload: Buffer.from(text), mask });
