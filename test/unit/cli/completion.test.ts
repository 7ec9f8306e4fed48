import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { buildProgram } from '../../../src/cli/program';
import { readTerminalEnv } from '../../../src/config/env';
import { examplesOf } from '../../../src/cli/options';
import { bashCompletion } from '../../../src/cli/completion/bash';
import { fishCompletion } from '../../../src/cli/completion/fish';
import { wordsOf } from '../../../src/cli/completion/words';
import { zshCompletion } from '../../../src/cli/completion/zsh';
import { Terminal } from '../../../src/cli/terminal';

const LIST = 'holdfast "$1" list -o name';

function program(): Command {
  const silent = new Terminal({ write: () => undefined }, { noColor: true });
  return buildProgram(
    {
      stdout: silent,
      stderr: silent,
      env: readTerminalEnv({}),
      clock: { nowMs: () => 0, monotonicMs: () => 0 },
      outputGone: new AbortController().signal,
    },
    '1.2.3',
  );
}

const words = wordsOf(program());

describe('completion in bash', () => {
  const dir = join(tmpdir(), 'bin');
  beforeAll(() => {
    mkdirSync(dir);
    // Answers like the real program: ids of the kind that it is asked for.
    writeFileSync(join(dir, 'holdfast'), '#!/bin/sh\necho "$1-1 $1-2"\n');
    chmodSync(join(dir, 'holdfast'), 0o755);
    writeFileSync(join(dir, 'completion.bash'), bashCompletion(words, LIST));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it.each([
    ['se', ['sessions']],
    ['sessions rel', ['release', 'release-all']],
    ['workers dr', ['drain']],
    ['sessions get ', ['sessions-1', 'sessions-2']],
    ['workers drain ', ['workers-1', 'workers-2']],
    ['jobs show ', ['jobs-1', 'jobs-2']],
    ['sessions get --js', ['--json']],
    ['sessions list -o n', ['ndjson', 'name']],
    ['sessions list --status live --sel', ['--selector']],
    ['sessions ls --lim', ['--limit']],
    ['completion ', ['bash', 'zsh', 'fish', '--help', '-h']],
    ['sessions create --timeout ', []],
    ['start --', ['--help']],
  ])('holdfast %s', (typed, offered) => {
    const given = typed.split(' ');
    const script = `source "$1"; shift
      COMP_WORDS=(holdfast "$@"); COMP_CWORD=$#; _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { PATH: `${dir}:${process.env['PATH'] ?? ''}` };
    const args = ['--norc', '-c', script, 'bash', join(dir, 'completion.bash'), ...given];
    const printed = execFileSync('bash', args, {
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(printed.split('\n').filter(line => line !== '')).toEqual(offered);
  });
});

describe.each([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
] as const)('the script for %s', (shell, render) => {
  const text = render(words, LIST);

  it('knows every command and every option', () => {
    for (const { path, options } of words) {
      expect(text).toContain(path);
      for (const { long } of options) expect(text).toContain(shell === 'fish' ? `-l ${long.slice(2)}` : long);
    }
  });

  it('is valid for the shell, where that shell is installed', () => {
    const checked = spawnSync(shell, ['-n'], { input: text, encoding: 'utf8' });
    const isMissing =
      checked.error !== undefined && 'code' in checked.error && checked.error.code === 'ENOENT';
    if (isMissing) process.stderr.write(`${shell} is not installed: its completion script was not parsed\n`);
    else expect({ status: checked.status, stderr: checked.stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('every command', () => {
  const leaves = (command: Command): Command[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);

  it('has a description and an example that begins with what a user types', () => {
    for (const command of leaves(program())) {
      expect([command.name(), command.description()]).toEqual([command.name(), expect.stringMatching(/\w/)]);
      expect([command.name(), examplesOf(command)]).toEqual([
        command.name(),
        expect.arrayContaining([expect.stringContaining('holdfast')]),
      ]);
      expect([command.name(), command.options.filter(({ description }) => description === '')]).toEqual([
        command.name(),
        [],
      ]);
    }
  });
});
