import { keyNamed, keyOfCharacter, modifiersOf } from '../../../src/browser/keyboard';

describe('a keyboard', () => {
  it.each([
    ['Enter', { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' }],
    ['Return', { key: 'Enter' }],
    ['ctrl', { key: 'Control', code: 'ControlLeft', windowsVirtualKeyCode: 17 }],
    ['Page_Down', { key: 'PageDown', windowsVirtualKeyCode: 34 }],
    ['up', { key: 'ArrowUp' }],
    ['f12', { key: 'F12', windowsVirtualKeyCode: 123 }],
    ['space', { key: ' ', code: 'Space', text: ' ' }],
    ['a', { key: 'a', code: 'KeyA', windowsVirtualKeyCode: 65, text: 'a' }],
    ['-', { key: '-', code: 'Minus' }],
  ])('has a key named %s', (name, key) => {
    expect(keyNamed(name)).toMatchObject(key);
  });

  it.each(['', 'Nokey', 'F25', 'ab', 'ß'])('has no key named %j', name => {
    expect(keyNamed(name)).toBeNull();
  });

  it('types every printable character of ASCII, and line breaks', () => {
    for (let code = 0x20; code < 0x7f; code += 1) {
      const character = String.fromCharCode(code);
      expect(keyOfCharacter(character)).toMatchObject({ key: character, text: character });
    }
    expect(keyOfCharacter('\n')).toMatchObject({ key: 'Enter' });
    expect(keyOfCharacter('%')).toMatchObject({ code: 'Digit5' });
    expect(keyOfCharacter('ö')).toBeNull();
  });

  it('adds up the modifiers of the keys that are held', () => {
    const held = ['ctrl', 'shift', 'a'].flatMap(name => keyNamed(name) ?? []);
    expect(modifiersOf(held)).toBe(2 | 8);
  });
});
