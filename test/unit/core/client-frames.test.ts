import fc from 'fast-check';
import { ClientFrames } from '../../../src/core/client-frames';
import { frameBytes, textFrame, type Frame } from '../../support/websocket-frames';

const RULE = {
  needle: 'swap me',
  maxBytes: 300,
  rewrite: (text: string): string | null => (text.includes('never') ? null : `swapped: ${text.length}`),
};

const mask = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(bytes => Buffer.from(bytes));

/** A frame, and the bytes that must come out for it. */
const frame = fc.oneof(
  fc
    .record({
      head: fc.constantFrom(0x81, 0x01, 0x80, 0x82, 0x88, 0x8a),
      payload: fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.from(bytes)),
      mask,
    })
    .map(plain => ({ sent: frameBytes(plain), passed: frameBytes(plain) })),
  fc.record({ size: fc.constantFrom(300, 301, 65_535, 65_536, 70_000), mask }).map(({ size, mask }) => {
    const large: Frame = { payload: Buffer.alloc(size, 'swap me'), mask };
    const passed = size <= RULE.maxBytes ? textFrame(`swapped: ${size}`, mask) : frameBytes(large);
    return { sent: frameBytes(large), passed };
  }),
  fc
    .record({
      before: fc.string({ maxLength: 100 }),
      after: fc.string({ maxLength: 100 }),
      mask,
      head: fc.constantFrom(0x81, 0x82, 0x01),
    })
    .map(({ before, after, mask, head }) => {
      const text = `${before}swap me${after}`;
      const sent = frameBytes({ head, payload: Buffer.from(text), mask });
      const isLeft = head !== 0x81 || Buffer.byteLength(text) > RULE.maxBytes;
      return { sent, passed: isLeft ? sent : textFrame(`swapped: ${text.length}`, mask) };
    }),
);

/** The bytes, cut into pieces of random sizes. */
function inPieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

describe('the frames of a client', () => {
  test('are passed on byte for byte except those that a rule replaces, however they arrive', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 8 }),
        (all, sizes) => {
          const frames = new ClientFrames(RULE);
          const sent = Buffer.concat(all.map(one => one.sent));
          const passed = Buffer.concat(inPieces(sent, sizes).map(piece => frames.push(piece)));
          expect(passed.equals(Buffer.concat(all.map(one => one.passed)))).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('are held back only until a short one is complete, and large ones not at all', () => {
    const frames = new ClientFrames(RULE);
    const short = textFrame('hello', Buffer.from('mask'));
    expect(frames.push(short.subarray(0, 8))).toHaveLength(0);
    expect(frames.push(short.subarray(8)).equals(short)).toBe(true);
    const large = frameBytes({ payload: Buffer.alloc(100_000), mask: Buffer.from('mask') });
    expect(frames.push(large.subarray(0, 20))).toHaveLength(20);
  });

  test('are passed on as the same buffer when nothing is replaced', () => {
    const frames = new ClientFrames(RULE);
    const bytes = Buffer.concat(
      ['a', 'swap me never', 'b'].map(text => textFrame(text, Buffer.from('mask'))),
    );
    expect(frames.push(bytes)).toBe(bytes);
  });

  test('without a mask are not from a client, and stay unchanged', () => {
    const frames = new ClientFrames(RULE);
    const bytes = textFrame('swap me', null);
    expect(frames.push(bytes)).toBe(bytes);
  });
});
