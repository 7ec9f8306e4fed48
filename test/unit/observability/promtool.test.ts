import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { isInstalled } from '../../support/prometheus';

const folder = resolve(__dirname, '../../../observability/prometheus');

/** The output of promtool; if it finds an error, the test fails with its message. */
const promtool = (...args: string[]): string =>
  execFileSync('promtool', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

(isInstalled('promtool') ? describe : describe.skip)("Prometheus' own tool", () => {
  it('accepts the rules', () => {
    expect(promtool('check', 'rules', 'rules.yml')).toContain('SUCCESS');
  });

  it('finds that each alert fires when it should, and only then', () => {
    expect(() => promtool('test', 'rules', 'rules.test.yml')).not.toThrow();
  });

  it('accepts the configuration', () => {
    expect(promtool('check', 'config', '--syntax-only', 'prometheus.yml')).toContain('SUCCESS');
  });
});
