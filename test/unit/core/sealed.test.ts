import { seal, unseal, UnsealError } from '../../../src/core/sealed';

const SECRET = 'the secret of an installation';
const REF = 'default/one';

describe('a sealed text', () => {
  it.each(['', 'x', 'pässwörd 📐', '{"a":1}'.repeat(10_000)])('comes out as it went in', text => {
    expect(unseal(SECRET, REF, seal(SECRET, REF, text))).toBe(text);
  });

  it('looks different each time, and does not contain the text', () => {
    const [first, second] = [seal(SECRET, REF, 'hunter2'), seal(SECRET, REF, 'hunter2')];
    expect(first).not.toBe(second);
    expect(first).toMatch(/^[\w-]+$/);
    expect(Buffer.from(first, 'base64url').toString('latin1')).not.toContain('hunter2');
  });

  it('cannot be read with another secret', () => {
    expect(() => unseal('another', REF, seal(SECRET, REF, 'hunter2'))).toThrow(UnsealError);
  });

  it('cannot be read for another session than it was sealed for', () => {
    expect(() => unseal(SECRET, 'default/two', seal(SECRET, REF, 'hunter2'))).toThrow(UnsealError);
  });

  it('cannot be changed in any of its bytes', () => {
    const bytes = Buffer.from(seal(SECRET, REF, 'hunter2'), 'base64url');
    for (const index of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[index] = (bytes[index] ?? 0) ^ 1;
      expect(() => unseal(SECRET, REF, changed.toString('base64url'))).toThrow(UnsealError);
    }
  });

  it.each([0, 1, 12, 27, 28])('cannot be cut to %i bytes', length => {
    const cut = Buffer.from(seal(SECRET, REF, 'hunter2'), 'base64url').subarray(0, length);
    expect(() => unseal(SECRET, REF, cut.toString('base64url'))).toThrow(UnsealError);
  });
});
