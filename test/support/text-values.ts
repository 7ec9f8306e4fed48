import fc from 'fast-check';

const isSurrogate = (point: number): boolean => point >= 0xd800 && point <= 0xdfff;

/**
 * Any character of Unicode, for `fc.string({ unit })`. fast-check's own unit `binary` takes a second or two to make.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10_ff_ff })
  .filter(point => !isSurrogate(point))
  .map(point => String.fromCodePoint(point));
