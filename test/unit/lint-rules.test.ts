import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';

describe('the lint rules', () => {
  it('report every violation of the self-test', () => {
    // ESLint is ESM only, which Jest does not load, so the checks are in a script of their own.
    const root = resolve(__dirname, '../..');
    const script = join(root, 'scripts/eslint/self-test.mjs');
    expect(execFileSync(process.execPath, [script], { cwd: root, encoding: 'utf8' })).toContain('rules hold');
  });
});
