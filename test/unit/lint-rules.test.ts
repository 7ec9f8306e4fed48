import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

describe('the lint rules', () => {
  it('report what they are there for', () => {
    // ESLint is ESM only, which Jest does not load: the checks stand in a script of their own.
    const script = resolve(__dirname, '../../scripts/eslint/self-test.mjs');
    expect(execFileSync(process.execPath, [script], { encoding: 'utf8' })).toContain('rules hold');
  });
});
