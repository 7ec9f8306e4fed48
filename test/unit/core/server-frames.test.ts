import fc from 'fast-check';
import { closeFrame, ServerFrames } from '../../../src/core/server-frames';
import { frameBytes } from '../../support/websocket-frames';

const SWITCHED = Buffer.from('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n');

const frame = fc
  .record({
    head: fc.constantFrom(0x81, 0x01, 0x80, 0x82, 0x89),
    size: fc.constantFrom(0, 1, 125, 126, 65_535, 65_536),
  })
  .map(({ head, size }) => frameBytes({ head, payload: Buffer.alloc(size), mask: null }));

describe('the frames of a server', () => {
  test('are between two frames exactly where one ends, however they arrive', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 6 }),
        (all, sizes) => {
          const bytes = Buffer.concat([SWITCHED, ...all]);
          const ends = new Set([SWITCHED.length]);
          all.reduce((at, { length }) => (ends.add(at + length), at + length), SWITCHED.length);
          const frames = new ServerFrames();
          // Compared at once: there are hundreds of thousands of parts, and an expect() takes longer than a frame.
          const wrong: number[] = [];
          for (let at = 0, i = 0; at < bytes.length; i += 1) {
            const end = Math.min(bytes.length, at + (sizes[i % sizes.length] ?? 1));
            frames.push(bytes.subarray(at, end));
            if (frames.isBetweenFrames !== ends.has(end)) wrong.push(end);
            at = end;
          }
          expect(wrong).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('do not exist before the handshake, after a refusal, and after a close frame', () => {
    const frames = new ServerFrames();
    expect(frames.isBetweenFrames).toBe(false);
    frames.push(SWITCHED);
    expect(frames.isBetweenFrames).toBe(true);
    frames.push(closeFrame({ code: 1_000, reason: 'bye' }));
    expect([frames.isOpen, frames.isBetweenFrames]).toEqual([false, false]);

    const refused = new ServerFrames();
    refused.push(Buffer.from('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n'));
    expect(refused.isBetweenFrames).toBe(false);
    const endless = new ServerFrames();
    endless.push(Buffer.alloc(20_000, 'x'));
    endless.push(SWITCHED);
    expect(endless.isOpen).toBe(false);
  });
});

test('a close frame has its code and as much of its reason as fits', () => {
  expect(closeFrame({ code: 4_408, reason: 'idle' })).toEqual(
    Buffer.from([0x88, 6, 0x11, 0x38, ...Buffer.from('idle')]),
  );
  const long = closeFrame({ code: 1_000, reason: 'x'.repeat(200) });
  expect([long.readUInt8(1), long.length]).toEqual([125, 127]);
});
