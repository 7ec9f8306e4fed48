import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { wordsOf } from '../../../src/cli/completion/words';
import { buildProgram } from '../../../src/cli/program';
import { readTerminalEnv } from '../../../src/config/env';
import { Terminal } from '../../../src/cli/terminal';
import { QUARANTINE_REASONS } from '../../../src/core/quarantine';
import { SWEEPS } from '../../../src/metrics/label-values';
import { QUEUES } from '../../../machines/session/session.words';
import { keys } from '../../../src/redis/keys';

const dir = resolve(__dirname, '../../../docs/runbooks');
const pages = readdirSync(dir).map(file => [file, readFileSync(join(dir, file), 'utf8')] as const);
const textOf = (file: string): string => pages.find(([name]) => name === file)?.[1] ?? '';

const silent = new Terminal({ write: () => undefined }, { noColor: true });
const commands = wordsOf(
  buildProgram(
    {
      stdout: silent,
      stderr: silent,
      env: readTerminalEnv({}),
      clock: { nowMs: () => 0, monotonicMs: () => 0 },
      outputGone: new AbortController().signal,
    },
    '1.2.3',
  ),
);

/* The text after `holdfast` in a block of commands or between backticks, up to a comment or a pipe. */
const ordersIn = (text: string): string[][] =>
  [...text.replace(/"\$\([^)]*\)"/g, 'value').matchAll(/(?:^|`)holdfast ([^`|#\n]+)/gm)].map(
    ([, order = '']) => order.trim().split(/\s+/),
  );

describe('a runbook', () => {
  it('is in the list of all, with when its alert fires', () => {
    const list = textOf('README.md').split('\n');
    for (const [file, text] of pages.filter(([name]) => name !== 'README.md')) {
      const [, severity, when = ''] = /\n\*\*(critical|warning)\*\* · ([^]*?)\n\n/.exec(text) ?? [];
      const at = list.findIndex(line => line.includes(`](${file})`));
      const [, heading] =
        list
          .slice(0, at)
          .findLast(line => /^\| (critical|warning)/.test(line))
          ?.split(/ *\| */) ?? [];
      const [, , said] = list[at]?.split(/ *\| */) ?? [];
      expect([file, heading, said]).toEqual([file, severity, when.replaceAll('\n', ' ')]);
    }
  });

  it('asks for commands and options that exist', () => {
    const orders = pages.flatMap(([file, text]) => ordersIn(text).map(words => [file, words] as const));
    expect(orders.length).toBeGreaterThan(20);
    for (const [file, words] of orders) {
      const path = [2, 1].map(n => words.slice(0, n).join(' ')).find(at => commands.some(c => c.path === at));
      const options = commands.find(command => command.path === path)?.options ?? [];
      const known = options.flatMap(({ long, short }) => [long, short]);
      const unknown = words.filter(word => word.startsWith('-') && !known.includes(word));
      expect([file, words, path, unknown]).toEqual([file, words, expect.any(String), []]);
    }
  });

  it('looks at keys of Redis that exist', () => {
    const named = Object.values(keys).filter(key => typeof key === 'string');
    const isQueue = (key: string): boolean =>
      QUEUES.some(queue => key.startsWith(`{hf}:${queue}:`) || key.startsWith(`{hf-in}:${queue}:`));
    const seen = pages.flatMap(([, text]) => text.match(/\{hf[^' ]*/g) ?? []);
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.filter(key => !named.includes(key) && !isQueue(key))).toEqual([]);
  });

  it.each([
    ['HoldfastQuarantineGrows.md', QUARANTINE_REASONS],
    ['HoldfastSweepsRepair.md', SWEEPS.filter(sweep => sweep !== 'retention' && sweep !== 'quarantine')],
  ])('%s names every case', (file, cases) => {
    expect(cases.filter(one => !textOf(file).includes(`\`${one}\``))).toEqual([]);
  });
});
