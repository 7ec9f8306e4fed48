import fc from 'fast-check';
import { LineReader } from '../../../src/core/line-reader';

/** The stream is infinite. */
function next(sizes: Iterator<number>): number {
  const { value, done } = sizes.next();
  return done === true ? 1 : value;
}

test('the lines are the same however the bytes are cut', () => {
  const chunked = fc.tuple(
    fc.array(fc.string({ unit: 'grapheme' })),
    fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
  );
  fc.assert(
    fc.property(chunked, ([texts, sizes]) => {
      const sent = texts.map(text => text.replaceAll('\n', ' '));
      const bytes = Buffer.from(sent.map(line => `${line}\n`).join(''));
      const lines: string[] = [];
      const reader = new LineReader(line => lines.push(line));
      for (let at = 0; at < bytes.length;) {
        const size = next(sizes);
        expect(reader.push(bytes.subarray(at, at + size))).toBe(true);
        at += size;
      }
      expect(lines).toEqual(sent.filter(line => line !== ''));
    }),
  );
});

test.each([
  ['that has ended', '123456789\n'],
  ['that has not ended', '123456789'],
])('a line that is too long and %s is refused', (_what, text) => {
  const reader = new LineReader(() => undefined, 8);
  expect(reader.push(Buffer.from('12345678\n'))).toBe(true);
  expect(reader.push(Buffer.from(text))).toBe(false);
});
