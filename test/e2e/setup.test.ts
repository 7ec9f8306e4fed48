import { execFile } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempDir, type TempDir } from '../support/temp-dir';

const ROOT = join(__dirname, '../..');

let dir: TempDir;
/** A PATH with only Node and a shell. */
let bare: string;
beforeEach(async () => {
  dir = await makeTempDir();
  bare = join(dir.path, 'bin');
  await mkdir(bare);
  await symlink(process.execPath, join(bare, 'node'));
  await symlink('/bin/sh', join(bare, 'sh'));
});
afterEach(() => dir.remove());

interface Outcome {
  readonly code: number;
  readonly output: string;
}

function run(command: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  const inherited = {
    ...process.env,
    REDIS_URL: undefined,
    HOLDFAST_CHROMIUM_PATH: undefined,
    npm_lifecycle_event: undefined,
  };
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [...command],
      { cwd: ROOT, env: { ...inherited, ...env } },
      (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
      },
    );
  });
}

const setup = (env: NodeJS.ProcessEnv = {}): Promise<Outcome> => run(['scripts/setup.mjs'], env);

describe('npm run setup', () => {
  test('prints nothing when nothing is missing', async () => {
    await setup();
    expect(await setup()).toEqual({ code: 0, output: '' });
  });

  test('prints how to install what is missing, and fails, when it may only check', async () => {
    const { code, output } = await setup({ PATH: bare, HOME: dir.path, HOLDFAST_SETUP: 'check' });
    expect(code).toBe(1);
    expect(output).toContain('missing: redis, chromium');
    for (const line of [
      'apt-get install',
      'dnf install',
      'brew install',
      'docker run',
      'npx puppeteer browsers install',
    ]) {
      expect(output).toContain(line);
    }
  });

  test('asks for no Redis program when REDIS_URL names a server, except for the tests', async () => {
    const env = { PATH: bare, HOME: dir.path, HOLDFAST_SETUP: 'check', REDIS_URL: 'redis://127.0.0.1:1' };
    expect((await setup(env)).output).toContain('missing: chromium');
    expect((await setup({ ...env, npm_lifecycle_event: 'pretest' })).output).toContain(
      `missing: redis, chromium${process.platform === 'linux' ? ', xvfb' : ''}`,
    );
  });

  test('skips the tests with Prometheus where it may not be installed, and says so', async () => {
    const env = { PATH: bare, HOME: dir.path, HOLDFAST_SETUP: 'check' };
    const skipped = 'the tests of dashboards and alerts will be skipped';
    expect((await setup({ ...env, npm_lifecycle_event: 'pretest' })).output).toContain(skipped);
    expect((await setup(env)).output).not.toContain('prometheus');
  });

  test('prints the commands when there is no known package manager', async () => {
    const { code, output } = await setup({ PATH: bare, HOME: dir.path });
    expect(code).toBe(1);
    expect(output).toContain('this system has no apt-get');
  });

  test('looks for neither Redis nor Chromium when it only builds', async () => {
    const outcome = await run(['scripts/setup.mjs', '--build-only'], { PATH: bare, HOME: dir.path });
    expect(outcome).toEqual({ code: 0, output: '' });
  });

  test('says why a Chromium does not start, and what to do about it', async () => {
    const broken = join(dir.path, 'chromium');
    await writeFile(broken, '#!/bin/sh\necho "No usable sandbox!" >&2\nexit 1\n');
    await chmod(broken, 0o755);
    const { code, output } = await setup({ HOLDFAST_CHROMIUM_PATH: broken });
    expect(code).toBe(1);
    expect(output).toContain('No usable sandbox!');
    expect(output).toContain('HOLDFAST_NO_SANDBOX=1');
  });
});

describe('holdfast', () => {
  test('prints its usage, and refuses an unknown command', async () => {
    const help = await run(['bin/holdfast', '--help'], {});
    expect(help.code).toBe(0);
    expect(help.output).toContain('Usage: holdfast');
    const unknown = await run(['bin/holdfast', 'explode'], {});
    expect(unknown.code).toBe(2);
    expect(unknown.output).toContain("unknown command 'explode'");
    expect(unknown.output).toContain('holdfast --help');
  });

  test('doctor proves Redis, Chromium and sandbox on this machine', async () => {
    const { code, output } = await run(['bin/holdfast', 'doctor'], {
      HOLDFAST_PORT: '0',
      HOLDFAST_DATA_DIR: dir.path,
    });
    expect(output).toMatch(/✓ embedded Redis: /);
    expect(output).toMatch(/✓ Chrom.* starts in \d+ ms as uid \d+/);
    expect(output).toContain('✓ the sandbox is on');
    expect(code).toBe(0);
  });

  test('doctor fails when something is missing, and still checks the rest', async () => {
    const { code, output } = await run(['bin/holdfast', 'doctor'], {
      HOLDFAST_PORT: '0',
      HOLDFAST_DATA_DIR: dir.path,
      REDIS_URL: 'redis://127.0.0.1:1',
      HOLDFAST_BROWSER: 'null',
    });
    expect(output).toMatch(/✗ Redis does not answer at REDIS_URL: .*ECONNREFUSED/);
    expect(output).toContain('! HOLDFAST_BROWSER=null');
    expect(code).toBe(1);
  });

  test('doctor prints its findings as JSON', async () => {
    const { code, output } = await run(['bin/holdfast', 'doctor', '--json'], { HOLDFAST_PORT: 'x' });
    const problem = { mark: 'bad', text: expect.stringContaining('HOLDFAST_PORT') };
    expect(JSON.parse(output)).toEqual({
      healthy: false,
      findings: [{ mark: 'ok', text: expect.stringContaining('Node') }, problem],
    });
    expect(code).toBe(1);
  });
});
