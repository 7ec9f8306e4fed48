import fc from 'fast-check';
import stringWidth from 'string-width';
import { clip, columnWidths, fit, harmless, widthOf } from '../../../src/cli/columns';
import { printAll, printOne, StreamPrinter, tableLines, type View } from '../../../src/cli/output';
import { inColour, plain } from '../../../src/cli/colours';
import { Terminal } from '../../../src/cli/terminal';

interface Thing {
  readonly id: string;
  readonly note: string;
}

const VIEW: View<Thing> = {
  nameOf: ({ id }) => id,
  columns: [
    { title: 'ID', of: ({ id }) => id, colour: () => 'green', width: 4 },
    { title: 'NOTE', of: ({ note }) => note, minWidth: 5 },
  ],
};
const THINGS = [
  { id: 'a1', note: 'short' },
  { id: 'b22', note: 'a much longer note' },
];

/** A terminal that remembers what was written to it. */
function memory(
  output: { isTTY?: boolean; columns?: number } = {},
  noColor = false,
): { terminal: Terminal; text: () => string } {
  let written = '';
  const terminal = new Terminal({ ...output, write: text => (written += text) }, { noColor });
  return { terminal, text: () => written };
}

describe('a cell', () => {
  it.each([
    ['a Latin letter with a mark', 'e\u0301', 1],
    ['an ideograph', '日', 2],
    ['an ideograph beyond the first 65 536 characters', '𠮷', 2],
    ['a syllable of single letters, as macOS writes it in names of files', '한'.normalize('NFD'), 2],
    ['a pictograph', '🚀', 2],
    ['a symbol that is shown as a pictograph', '❤\ufe0f', 2],
    ['a pictograph with a colour of skin', '👍🏽', 2],
    ['a pictograph of several people', '👩\u200d👩\u200d👧\u200d👦', 2],
    ['a flag', '🇩🇪', 2],
    ['a flag of a region', '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}', 2],
    ['a word with a character that is not shown', 'a\u200bb', 2],
  ])('takes as many cells as a terminal gives it: %s', (_what, text, width) => {
    expect(fit(text, width)).toBe(text);
    expect(fit(text, width + 1)).toBe(`${text} `);
  });

  it('without special characters is measured as all others are', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~–…]*$/), text => expect(widthOf(text)).toBe(stringWidth(text))),
    );
  });

  it('is cut between characters as a reader sees them, never within one', () => {
    const family = '👩\u200d👩\u200d👧\u200d👦';
    expect(fit(family + family, 3)).toBe(`${family}…`);
    expect(fit('🇩🇪🇫🇷', 2)).toBe('… ');
    expect(fit('ae\u0301\u0323io', 3)).toBe('ae\u0301\u0323…');
  });

  it('takes exactly its width', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).map(harmless),
        fc.integer({ min: 0, max: 40 }),
        (text, width) => {
          // A wide character may not fit into the last cell; then a blank is there.
          expect(widthOf(fit(text, width))).toBe(width);
          expect(widthOf(clip(text, width))).toBeLessThanOrEqual(Math.max(width, 0));
        },
      ),
    );
  });

  it('cannot control the terminal, whatever the title of a page contains', () => {
    expect(harmless('a\u001b[2Jb\r\nc\u202ed\u009b31m')).toBe('a [2Jb c d 31m');
    // Half of a pair is not a character: a terminal shows something of its own.
    expect(harmless('a\ud83db\udc4d')).toBe('a b ');
  });
});

describe('a table', () => {
  it('has columns as wide as their widest cell', () => {
    expect(tableLines({ width: null, paint: plain }, THINGS, VIEW)).toEqual([
      'ID   NOTE',
      'a1   short',
      'b22  a much longer note',
    ]);
  });

  it('has straight columns, whatever the writing of the cells', () => {
    const things = ['🇩🇪', '𠮷', '한'.normalize('NFD'), 'ab'].map(id => ({ id, note: 'x' }));
    expect(tableLines({ width: null, paint: plain }, things, VIEW).slice(1)).toEqual(
      things.map(({ id }) => `${id}  x`),
    );
  });

  it('cuts texts to fit the terminal, and never ids', () => {
    expect(tableLines({ width: 14, paint: plain }, THINGS, VIEW)).toEqual([
      'ID   NOTE',
      'a1   short',
      'b22  a much l…',
    ]);
    expect(columnWidths(VIEW.columns, [['0123456789', 'note that is long']], 8)).toEqual([10, 5]);
  });

  it('shortens ids as long as they stay different, and times, before it is wider than the terminal', () => {
    const view: View<{ readonly id: string; readonly at: string }> = {
      nameOf: ({ id }) => id,
      columns: [
        { title: 'ID', of: ({ id }) => id, isId: true },
        { title: 'AT', of: ({ at }) => at, brief: ({ at }) => at.slice(11, 23) },
      ],
    };
    const at = '2026-11-20T06:27:30.992Z';
    const things = ['01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5', '01a1f7a3-7f86-7999-b3d1-8c6f8e66dca5', 'mine'];
    const lines = (width: number | null): string[] =>
      tableLines(
        { width, paint: plain },
        things.map(id => ({ id, at })),
        view,
      );
    expect(lines(30)).toEqual([
      'ID                AT',
      '01a1f7a3-7f86-78  06:27:30.992',
      '01a1f7a3-7f86-79  06:27:30.992',
      'mine              06:27:30.992',
    ]);
    for (const width of [62, null]) {
      expect(lines(width)[1]).toBe(`${things[0]}  ${at}`);
    }
  });

  it('has colours only in terminals', () => {
    const { paint } = memory({ isTTY: true, columns: 80 }).terminal;
    expect(tableLines({ width: 80, paint }, THINGS, VIEW)[1]).toBe(`${inColour('green', 'a1 ')}  short`);
    for (const { terminal } of [memory(), memory({ isTTY: true, columns: 80 }, true)]) {
      expect(tableLines({ width: 80, paint: terminal.paint }, THINGS, VIEW)[1]).toBe('a1   short');
    }
  });
});

describe('output', () => {
  const print = (format: Parameters<typeof printAll>[1]): string => {
    const { terminal, text } = memory();
    printAll(terminal, format, THINGS, VIEW, { things: THINGS });
    return text();
  };

  it('as json is one document, as ndjson a line each, as name the ids', () => {
    expect(JSON.parse(print('json'))).toEqual({ things: THINGS });
    expect(
      print('ndjson')
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as unknown),
    ).toEqual(THINGS);
    expect(print('name')).toBe('a1\nb22\n');
  });

  it('of one item aligns names and values', () => {
    const { terminal, text } = memory();
    printOne(
      terminal,
      'table',
      THINGS[0]!,
      ({ id }) => id,
      thing => Object.entries(thing),
    );
    expect(text()).toBe('id    a1\nnote  short\n');
  });

  it('as wide is a table from which nothing is cut, in a terminal of any width', () => {
    const { terminal, text } = memory({ isTTY: true, columns: 10 }, true);
    printAll(terminal, 'wide', THINGS, VIEW);
    expect(text()).toContain('b22  a much longer note');
    new StreamPrinter(terminal, 'wide', VIEW).print(THINGS[1]!);
    expect(text()).toMatch(/b22 {3}a much longer note\n$/);
  });

  it('of a stream fits the terminal that it goes to', () => {
    const { terminal, text } = memory({ isTTY: true, columns: 14 }, true);
    const printer = new StreamPrinter(terminal, 'table', VIEW);
    for (const thing of THINGS) printer.print(thing);
    expect(text()).toBe('ID    NOTE\na1    short\nb22   a much …\n');
  });

  it('of a stream keeps its columns, cuts no wider value, and has one line per item for json too', () => {
    const table = memory();
    const printer = new StreamPrinter(table.terminal, 'table', VIEW);
    for (const thing of [...THINGS, { id: '123456', note: 'x' }]) printer.print(thing);
    expect(table.text()).toBe('ID    NOTE\na1    short\nb22   a much longer note\n123456  x\n');
    const json = memory();
    new StreamPrinter(json.terminal, 'json', VIEW).print(THINGS[0]!);
    expect(json.text()).toBe(`${JSON.stringify(THINGS[0])}\n`);
  });
});
