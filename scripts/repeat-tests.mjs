/*
  Runs what `npm test` runs several times, and counts failed tests; with --all every test:
  node scripts/repeat-tests.mjs --runs 10 [--neighbours 2] [--all]

  A neighbour is a process that keeps one core busy for as long as the runs last. Ends with 1 if any test ever failed.
*/
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');
// Ends with its parent, even when the parent was killed.
const BUSY = 'const { ppid } = process; for (;;) if (process.ppid !== ppid) process.exit();';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10' },
    neighbours: { type: 'string', default: '0' },
    all: { type: 'boolean', default: false },
  },
});
const [runs, neighbours] = [count('runs', 1), count('neighbours', 0)];

function count(name, least) {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  console.error(`--${name} must be a whole number from ${least} on`);
  process.exit(2);
}

/** One run: how long it took, and the names of the tests that failed. */
async function runOnce(dir) {
  const report = join(dir, 'report.json');
  rmSync(report, { force: true });
  const beganMs = performance.now();
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const child = spawn(
    process.execPath,
    [
      jest,
      ...(values.all ? [] : ['--ignoreProjects', 'long']),
      '--silent',
      '--reporters=default',
      '--json',
      `--outputFile=${report}`,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const [exitCode] = await once(child, 'exit');
  const seconds = Math.round((performance.now() - beganMs) / 1_000);
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const failed = testResults.flatMap(file => failuresOf(file));
  // The leak check of the whole run at its end can fail it, too.
  if (exitCode !== 0 && failed.length === 0) failed.push('the run itself');
  return { seconds, passed: numPassedTests, failed };
}

function failuresOf({ name, status, assertionResults }) {
  const path = relative(root, name);
  const tests = assertionResults
    .filter(test => test.status === 'failed')
    .map(test => `${path}: ${test.fullName}`);
  return tests.length === 0 && status === 'failed' ? [path] : tests;
}

const dir = mkdtempSync(join(tmpdir(), 'hf-repeat-'));
const busy = Array.from({ length: neighbours }, () =>
  spawn(process.execPath, ['-e', BUSY], { stdio: 'ignore' }),
);
const reds = new Map();
try {
  for (let run = 1; run <= runs; run += 1) {
    const { seconds, passed, failed } = await runOnce(dir);
    console.log(`run ${run} of ${runs}: ${passed} passed, ${failed.length} failed, ${seconds} s`);
    for (const test of failed) {
      console.log(`  ${test}`);
      reds.set(test, (reds.get(test) ?? 0) + 1);
    }
  }
} finally {
  for (const neighbour of busy) neighbour.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
}
console.log(`${runs} runs beside ${neighbours} busy neighbours: ${reds.size} tests were red at least once`);
for (const [test, times] of reds) console.log(`  ${times} × ${test}`);
process.exitCode = reds.size === 0 ? 0 : 1;
