import fc from 'fast-check';
import { printable } from '../../../src/core/printable';
import { anyCharacter } from '../../support/text-values';

describe('a text from outside', () => {
  it.each([
    ['plain words, ä and 字 and 🙂', 'plain words, ä and 字 and 🙂'],
    ['\u001b[31mred\u0007\r\n', '�[31mred���'],
    ['abc\u202etxt.exe', 'abc�txt.exe'],
    ['a\u2028b\u0085c\ud800', 'a�b�c�'],
    ['zero\u200bwidth\ufeff', 'zero�width�'],
  ])('is shown on one line without characters that affect the text around it: %j', (text, shown) => {
    expect(printable(text, 100)).toBe(shown);
  });

  it('is cut', () => {
    expect(printable('x'.repeat(11), 10)).toBe(`${'x'.repeat(9)}…`);
    expect(printable('x'.repeat(10), 10)).toBe('x'.repeat(10));
  });

  it('is never longer than its limit, and unchanged when it is cleaned again', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: anyCharacter, maxLength: 50 }),
        fc.integer({ min: 1, max: 40 }),
        (text, max) => {
          const shown = printable(text, max);
          expect(shown.length).toBeLessThanOrEqual(max);
          expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          expect(printable(shown, max)).toBe(shown);
        },
      ),
    );
  });
});
