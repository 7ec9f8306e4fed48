/** A key as `Input.dispatchKeyEvent` wants it, on a US keyboard. */
export interface Key {
  readonly key: string;
  readonly code: string;
  readonly windowsVirtualKeyCode: number;
  /** What it types; left out: nothing. */
  readonly text?: string;
}

/** The modifiers of CDP's input events, by the key that holds them. */
const MODIFIERS: Readonly<Record<string, number>> = { Alt: 1, Control: 2, Meta: 4, Shift: 8 };

const NAMED: readonly Key[] = [
  ['Alt', 'AltLeft', 18],
  ['Control', 'ControlLeft', 17],
  ['Meta', 'MetaLeft', 91],
  ['Shift', 'ShiftLeft', 16],
  ['Enter', 'Enter', 13],
  ['Tab', 'Tab', 9],
  ['Backspace', 'Backspace', 8],
  ['Delete', 'Delete', 46],
  ['Escape', 'Escape', 27],
  ['Insert', 'Insert', 45],
  ['Home', 'Home', 36],
  ['End', 'End', 35],
  ['PageUp', 'PageUp', 33],
  ['PageDown', 'PageDown', 34],
  ['ArrowLeft', 'ArrowLeft', 37],
  ['ArrowUp', 'ArrowUp', 38],
  ['ArrowRight', 'ArrowRight', 39],
  ['ArrowDown', 'ArrowDown', 40],
  ['CapsLock', 'CapsLock', 20],
  ['ContextMenu', 'ContextMenu', 93],
].map(row => {
  // SAFETY: the rows above.
  const [key, code, windowsVirtualKeyCode] = row as [string, string, number];
  return { key, code, windowsVirtualKeyCode, ...(key === 'Enter' ? { text: '\r' } : {}) };
});

/** Other names of keys: those of xdotool, and what people write. In lower case, without separators. */
const ALIASES: Readonly<Record<string, string>> = {
  ctrl: 'Control',
  controll: 'Control',
  controlleft: 'Control',
  option: 'Alt',
  altleft: 'Alt',
  cmd: 'Meta',
  command: 'Meta',
  super: 'Meta',
  superl: 'Meta',
  win: 'Meta',
  windows: 'Meta',
  shiftleft: 'Shift',
  return: 'Enter',
  kpenter: 'Enter',
  esc: 'Escape',
  del: 'Delete',
  ins: 'Insert',
  left: 'ArrowLeft',
  up: 'ArrowUp',
  right: 'ArrowRight',
  down: 'ArrowDown',
  prior: 'PageUp',
  pgup: 'PageUp',
  next: 'PageDown',
  pgdn: 'PageDown',
  pgdown: 'PageDown',
  menu: 'ContextMenu',
};

/** Characters of the US layout that need no letter or digit: pairs of the plain and the shifted one, with the key. */
const PUNCTUATION: readonly (readonly [characters: string, code: string, windowsVirtualKeyCode: number])[] = [
  ['`~', 'Backquote', 192],
  ['-_', 'Minus', 189],
  ['=+', 'Equal', 187],
  ['[{', 'BracketLeft', 219],
  [']}', 'BracketRight', 221],
  ['\\|', 'Backslash', 220],
  [';:', 'Semicolon', 186],
  [`'"`, 'Quote', 222],
  [',<', 'Comma', 188],
  ['.>', 'Period', 190],
  ['/?', 'Slash', 191],
  ['  ', 'Space', 32],
];

const SHIFTED_DIGITS = ')!@#$%^&*(';

/** The key of a character on a US keyboard; null: there is none. */
export function keyOfCharacter(character: string): Key | null {
  if (character === '\n' || character === '\r') return keyNamed('Enter');
  if (character === '\t') return keyNamed('Tab');
  const typed = { key: character, text: character };
  if (/^[a-z]$/i.test(character)) {
    const letter = character.toUpperCase();
    return { ...typed, code: `Key${letter}`, windowsVirtualKeyCode: letter.charCodeAt(0) };
  }
  const digit = /^\d$/.test(character) ? Number(character) : SHIFTED_DIGITS.indexOf(character);
  if (digit >= 0 && character.length === 1)
    return { ...typed, code: `Digit${digit}`, windowsVirtualKeyCode: 48 + digit };
  const [, code, windowsVirtualKeyCode] =
    (character.length === 1 ? PUNCTUATION.find(([both]) => both.includes(character)) : undefined) ?? [];
  return code === undefined || windowsVirtualKeyCode === undefined
    ? null
    : { ...typed, code, windowsVirtualKeyCode };
}

/** The key of a name, such as `Enter`, `ctrl`, `Page_Down`, `F5` or `a`; null: there is none. */
export function keyNamed(name: string): Key | null {
  const plain = name.toLowerCase().replaceAll(/[\s_-]/g, '');
  const known = ALIASES[plain] ?? plain;
  const named = NAMED.find(({ key }) => key.toLowerCase() === known.toLowerCase());
  if (named !== undefined) return named;
  if (plain === 'space') return keyOfCharacter(' ');
  const [, number] = /^f([1-9]|1\d|2[0-4])$/.exec(plain) ?? [];
  if (number === undefined) return keyOfCharacter(name);
  return { key: `F${number}`, code: `F${number}`, windowsVirtualKeyCode: 111 + Number(number) };
}

/** The modifiers that keys hold, as a bit field of CDP. */
export const modifiersOf = (held: readonly Key[]): number =>
  held.reduce((bits, { key }) => bits | (MODIFIERS[key] ?? 0), 0);
