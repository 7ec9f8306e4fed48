import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

interface JestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
  }[];
}

const root = resolve(__dirname, '../../..');

/** Runs Jest over test/fixtures/leaks, where every file but one leaks on purpose. */
async function runLeakingTests(): Promise<{
  exitCode: number;
  files: Map<string, { status: string; message: string }>;
}> {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const argv = ['--selectProjects', 'unit', '--roots', join(root, 'test/fixtures/leaks'), '--json'];
  const { exitCode, stdout } = await new Promise<{ exitCode: number; stdout: string }>(done => {
    execFile(process.execPath, [jest, ...argv], { cwd: root }, (error, stdout) => {
      done({ exitCode: error === null ? 0 : Number(error.code), stdout });
    });
  });
  // SAFETY: `--json` prints Jest's documented report and nothing else on stdout.
  const { testResults } = JSON.parse(stdout) as JestReport;
  return { exitCode, files: new Map(testResults.map(file => [basename(file.name), file])) };
}

describe('the leak guard', () => {
  it('fails exactly the files that leave something behind, and says what', async () => {
    const { exitCode, files } = await runLeakingTests();

    expect(exitCode).toBe(1);
    expect(files.get('clean.test.ts')).toMatchObject({ status: 'passed' });
    for (const [file, trace] of [
      ['folder.test.ts', /in its temporary folder: hf-test-\w+/],
      ['child.test.ts', /process \d+: sleep 60/],
      ['orphan.test.ts', /process \d+: tail -F .*\/log/],
      ['daemon.test.ts', /process \d+: sleep 60/],
      ['directory.test.ts', /process \d+: sleep 61/],
    ] as const) {
      expect(files.get(file)).toMatchObject({ status: 'failed', message: expect.stringMatching(trace) });
    }
    expect(files.size).toBe(6);
  });

  it('gives every file a temporary folder that other users can pass through', async () => {
    const dir = join(tmpdir(), 'inside');
    await mkdir(dir);
    await rm(dir, { recursive: true });
    expect(basename(tmpdir())).toMatch(/^hf-[0-9a-f]{6}-\w{6}$/);
  });
});
