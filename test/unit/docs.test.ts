import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ENV_NAMES } from '../../src/config/env';
import { QUOTAS } from '../../src/config/quotas';
import { ERROR_CATALOGUE } from '../../src/core/errors';

const root = resolve(__dirname, '../..');

/** Rows of Markdown tables whose first cell is a name in backticks: name → the cells after it. */
function tableRows(file: string): Map<string, string[]> {
  const rows = readFileSync(join(root, file), 'utf8')
    .split('\n')
    .map(line => /^\|\s*`([^`]+)`\s*\|(.*)\|\s*$/.exec(line))
    .flatMap(match =>
      match === null ? [] : [[match[1] ?? '', (match[2] ?? '').split('|').map(cell => cell.trim())]],
    );
  // SAFETY: the line above makes pairs of a name and its cells.
  return new Map(rows as [string, string[]][]);
}

describe('the page of settings', () => {
  it('explains every setting', () => {
    const rows = tableRows('docs/settings.md');
    for (const name of ENV_NAMES) expect([name, rows.get(name)]).toEqual([name, expect.any(Array)]);
  });

  it('explains no setting that is not read', () => {
    const known = new Set<string>(ENV_NAMES);
    const settings = [...tableRows('docs/settings.md').keys()].filter(name =>
      /^(HOLDFAST_[A-Z_]+|REDIS_URL)$/.test(name),
    );
    expect(settings.filter(name => !known.has(name))).toEqual([]);
  });
});

describe('the page of quotas', () => {
  it('has exactly the quotas there are, with what is counted', () => {
    const rows = [...tableRows('docs/quotas.md')].map(([name, cells]) => [name, cells[0]]);
    expect(rows).toEqual(Object.entries(QUOTAS));
  });
});

describe('the page of the API', () => {
  it('has exactly the error codes of the catalogue, with their meaning', () => {
    const text = readFileSync(join(root, 'docs/api.md'), 'utf8');
    const [, table = ''] = /^\| code +\| status.*\n.*\n((?:\|.*\n)+)/m.exec(text) ?? [];
    const rows = table.trimEnd().split('\n');
    expect(
      rows.map(row =>
        row
          .split('|')
          .slice(1, 5)
          .map(cell => cell.trim()),
      ),
    ).toEqual(
      Object.entries(ERROR_CATALOGUE).map(([code, { status, retryable, title }]) => [
        `\`${code}\``,
        String(status),
        retryable ? 'yes' : 'no',
        title,
      ]),
    );
  });
});

describe('code in documents', () => {
  /** Parses the modules that it reads, and answers what is wrong with each. */
  const PARSER = `
    const { SourceTextModule } = require('node:vm');
    const blocks = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
    console.log(JSON.stringify(blocks.flatMap(([file, code]) => {
      // The shape of an object is not a program.
      try { new SourceTextModule(code.startsWith('{') ? '(' + code + ')' : code); return []; }
      catch (error) { return [[file, error.message, code]]; }
    })));`;

  it('has no syntax that this version of Node does not know', () => {
    const folders = ['.', 'docs', 'docs/migrate', 'examples', 'examples/clients', 'observability'];
    const files = folders.flatMap(folder =>
      readdirSync(join(root, folder))
        .filter(name => name.endsWith('.md'))
        .map(name => join(folder, name)),
    );
    const blocks = files.flatMap(file =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => [
        file,
        code,
      ]),
    );
    expect(blocks.length).toBeGreaterThan(5);
    const args = ['--experimental-vm-modules', '--no-warnings', '-e', PARSER];
    const wrong = execFileSync(process.execPath, args, { input: JSON.stringify(blocks), encoding: 'utf8' });
    expect(JSON.parse(wrong)).toEqual([]);
  });
});

describe('generated documents', () => {
  it('are in step with the code', () => {
    const script = join(root, 'scripts/render-docs.mjs');
    expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toContain('up to date');
  });
});
