import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/*
 * S25: none of our regular expressions is slow. Each is matched against texts that are made from its own characters: a
 * beginning that it accepts, one or two of its characters repeated, and an end that it refuses.
 */

const ROOT = join(__dirname, '../..');
const FOLDERS = ['src', 'machines', 'workers'];

/** Fields of requests are shorter; what is longer is checked by its length first. */
const LONGEST = 4_096;
const LENGTHS = [16, 22, 26, 400, LONGEST];

/** A match takes some microseconds. One that backtracks needs longer at the latest with the longest text. */
const LIMIT_MS = 250;

interface Found {
  readonly where: string;
  readonly regex: RegExp;
}

function regularExpressionsIn(file: string): Found[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.ES2023);
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const [, pattern = '', flags = ''] = /^\/(.*)\/(\w*)$/s.exec(node.text) ?? [];
      found.push({ where: `${file} ${node.text}`, regex: new RegExp(pattern, flags.replace(/[gy]/g, '')) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const ALL = FOLDERS.flatMap(folder =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .flatMap(name => regularExpressionsIn(join(folder, name))),
);

/** A character of each class, and the literal ones. */
function charactersOf({ source }: RegExp): string[] {
  const classes: Record<string, string> = { d: '1', w: 'a', s: ' ', S: 'a', D: 'a', W: '-' };
  const escaped = [...source.matchAll(/\\(.)/g)].map(([, letter = '']) => classes[letter] ?? letter);
  const literal = source.replaceAll(/\\./g, '').replaceAll(/[\^$()[\]{}|?*+]/g, '');
  return [...new Set([...escaped, ...Array.from(literal), 'a'])].slice(0, 12);
}

/** What it begins with, as far as that is plain text. */
const beginningOf = ({ source }: RegExp): string =>
  /^\^([A-Za-z0-9 :/=_-]*)(?![*+?{])/.exec(source)?.[1] ?? '';

/* Time on a processor: on a busy machine a match may also have to wait for one. */
function matchMs(regex: RegExp, text: string): number {
  const before = process.cpuUsage();
  regex.test(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function slowestText(regex: RegExp): string | null {
  const characters = charactersOf(regex);
  const pairs = characters.slice(0, 6).flatMap(a => characters.slice(0, 6).map(b => a + b));
  for (const repeated of [...characters, ...pairs]) {
    for (const length of LENGTHS) {
      const text = `${beginningOf(regex)}${repeated.repeat(Math.ceil(length / repeated.length))}\u0000`;
      // Other threads of this process (garbage, compiling) count as well, but not twice.
      if (matchMs(regex, text) > LIMIT_MS && matchMs(regex, text) > LIMIT_MS)
        return `${JSON.stringify(repeated)} × ${length}`;
    }
  }
  return null;
}

it('finds the regular expressions', () => {
  expect(ALL.length).toBeGreaterThan(150);
});

it('is fast with each of them', () => {
  const slow = ALL.map(({ where, regex }) => [where, slowestText(regex)] as const);
  expect(slow.filter(([, text]) => text !== null)).toEqual([]);
});

it.each([/^(a+)+$/, /^(\w+\s?)*$/, /^(?:[a-z]|[a-z0-9])+$/, /(x+x+)+y/])('would find %s', regex => {
  expect(slowestText(regex)).not.toBeNull();
});
