import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';

/* Rules that ESLint cannot check; the other rules of the architecture are in eslint.config.mjs. */

const root = resolve(__dirname, '../..');
const MAX_SOURCE_LINES = 300;

function filesBelow(folder: string, extension: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith(extension))
    .map(entry => relative(root, join(entry.parentPath, entry.name)));
}

const sources = ['machines', 'src', 'workers'].flatMap(folder => filesBelow(folder, '.ts'));
const lua = filesBelow('src', '.lua');
const included = lua.filter(file => file.includes('/include/'));
const scripts = lua.filter(file => !included.includes(file));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('source files', () => {
  it('exist', () => {
    expect(sources.length).toBeGreaterThan(20);
  });

  it('are short enough to be read in one go', () => {
    expect(sources.filter(file => read(file).trimEnd().split('\n').length > MAX_SOURCE_LINES)).toEqual([]);
  });

  it('are no barrels and no grab-bags', () => {
    expect(sources.filter(file => /(^|\/)(index|utils?|helpers?|misc|common)\.ts$/.test(file))).toEqual([]);
  });

  it('switch off neither the compiler nor the linter', () => {
    const switches = /@ts-(ignore|nocheck|expect-error)|eslint-disable/;
    expect(sources.filter(file => switches.test(read(file)))).toEqual([]);
  });
});

describe.each(scripts)('the script %s', file => {
  const text = read(file);
  const header = /^--\[\[(.*?)\]\]/s.exec(text)?.[1] ?? '';
  const declared = Number(/-(\d+)\.lua$/.exec(file)?.[1]);
  const used = [...text.matchAll(/KEYS\[(\d+)\]/g)].map(([, index]) => Number(index));

  it('is in the folder that is loaded, its name a verb, a noun and the number of its keys', () => {
    expect(file).toMatch(/^src\/redis\/lua\/[a-z]+(-[a-z]+)+-\d+\.lua$/);
  });

  it('begins with its contract: KEYS, ARGV, Returns', () => {
    for (const part of ['KEYS', 'ARGV', 'Returns']) expect(header).toMatch(new RegExp(`^\\s+${part} `, 'm'));
  });

  it('uses exactly the keys that its name counts', () => {
    const further = /for i = (\d+), #KEYS do/.exec(text);
    expect(Math.max(...used)).toBe(declared);
    // Keys whose number is known only at run time come last, and the header marks them: `11…`.
    if (further !== null) {
      expect(Number(further[1])).toBe(declared + 1);
      expect(header).toContain(`${declared + 1}…`);
    }
  });

  it('says of every key what it is', () => {
    const keysPart = /KEYS(.*?)ARGV/s.exec(header)?.[1] ?? '';
    for (let index = 1; index <= declared; index += 1) {
      expect(keysPart).toMatch(new RegExp(`(^|\\s)${index}\\s\\s?\\S|\\(${index}-|-${index}:`));
    }
  });

  it('takes the time from Redis and from nowhere else, if it takes it', () => {
    if (text.includes('nowMs')) expect(text).toContain("redis.call('TIME')");
    expect(text).not.toMatch(/\bos\.(time|clock)\b/);
  });
});

describe('the scripts', () => {
  it('are all used', () => {
    const runner = read('src/redis/script-runner.ts');
    expect(scripts.filter(file => !runner.includes(`'${basename(file, '.lua')}'`))).toEqual([]);
  });

  it('include what there is, below their contract, and all of it', () => {
    const lines = scripts.flatMap(file => [...read(file).matchAll(/^--- @include "(.*)"$/gm)]);
    const names = new Set(lines.map(([, name]) => `src/redis/lua/include/${name}.lua`));
    expect([...names].sort()).toEqual([...included].sort());
    for (const file of scripts) expect(read(file)).not.toMatch(/^--- @include[^]*^--\[\[/m);
  });
});
