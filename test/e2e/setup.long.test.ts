import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { chromiumCacheDirs } from '../../workers/keeper/host';
import { findChromium } from '../../workers/keeper/process/find-chromium';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { zipOf } from '../support/zip';

const ROOT = join(__dirname, '../..');

let dir: TempDir;
/** A PATH with only Node and a shell. */
let bare: string;
/** On a machine that has nothing else. */
let emptyMachine: NodeJS.ProcessEnv;
beforeEach(async () => {
  dir = await makeTempDir();
  bare = join(dir.path, 'bin');
  await mkdir(bare);
  await symlink(process.execPath, join(bare, 'node'));
  await symlink('/bin/sh', join(bare, 'sh'));
  emptyMachine = { PATH: bare, HOME: dir.path, PUPPETEER_CACHE_DIR: join(dir.path, 'cache') };
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

describe('scripts/setup.mjs', () => {
  test('prints nothing when nothing is missing', async () => {
    await setup();
    expect(await setup()).toEqual({ code: 0, output: '' });
  });

  test('does not empty the modules of another checkout through a link', async () => {
    const [checkout, others] = [join(dir.path, 'checkout'), join(dir.path, 'others')];
    await mkdir(others);
    await writeFile(join(others, 'kept'), '');
    for (const part of ['scripts', 'package.json', 'package-lock.json'])
      await cp(join(ROOT, part), join(checkout, part), { recursive: true });
    await symlink(others, join(checkout, 'node_modules'));
    const { code, output } = await run([join(checkout, 'scripts/setup.mjs')], {});
    expect(output).toContain('node_modules is a link');
    expect([code, await readdir(others)]).toEqual([1, ['kept']]);
  });

  test('prints how to install what is missing, and fails, when it may only check', async () => {
    const { code, output } = await setup({ ...emptyMachine, HOLDFAST_SETUP: 'check' });
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
    const env = { ...emptyMachine, HOLDFAST_SETUP: 'check', REDIS_URL: 'redis://127.0.0.1:1' };
    expect((await setup(env)).output).toContain('missing: chromium');
    expect((await setup({ ...env, npm_lifecycle_event: 'pretest' })).output).toContain(
      `missing: redis, chromium${process.platform === 'linux' ? ', xvfb' : ''}`,
    );
  });

  test('skips the tests with Prometheus and wrong clocks where these may not be installed, and says so', async () => {
    const env = { ...emptyMachine, HOLDFAST_SETUP: 'check' };
    const skipped =
      'the tests of dashboards and alerts will be skipped, the tests with wrong clocks will be skipped';
    expect((await setup({ ...env, npm_lifecycle_event: 'pretest' })).output).toContain(skipped);
    expect((await setup(env)).output).not.toContain('prometheus');
  });

  test('prints the commands when there is no known package manager', async () => {
    const { code, output } = await setup(emptyMachine);
    expect(code).toBe(1);
    expect(output).toContain('this system has no apt-get');
  });

  test('looks for neither Redis nor Chromium when it only builds', async () => {
    const outcome = await run(['scripts/setup.mjs', '--build-only'], emptyMachine);
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

/** Those of the machine that runs the tests would lead away from the host here. */
const NO_PROXY = Object.fromEntries(
  ['http_proxy', 'all_proxy', 'no_proxy'].flatMap(name => [
    [name, undefined],
    [name.toUpperCase(), undefined],
  ]),
);

/* The real host is not asked. Chrome for Testing has no build for other Linux machines. */
const describeWhereItRuns = process.platform === 'linux' && process.arch === 'x64' ? describe : describe.skip;

describeWhereItRuns('where there is no apt-get, and only Chromium is missing', () => {
  let host: Server;
  let answer: RequestListener;
  let asked: string[];
  /** What a machine without apt-get lacks nothing but Chromium for, and whom it asks. */
  let machine: NodeJS.ProcessEnv;
  beforeEach(async () => {
    asked = [];
    host = createServer((req, res) => {
      asked.push(req.url ?? '');
      answer(req, res);
    });
    await new Promise<void>(resolve => host.listen(0, '127.0.0.1', resolve));
    const at = host.address();
    const url = `http://127.0.0.1:${typeof at === 'object' ? at?.port : ''}`;
    machine = {
      ...emptyMachine,
      ...NO_PROXY,
      REDIS_URL: 'redis://127.0.0.1:1',
      PUPPETEER_CHROME_DOWNLOAD_BASE_URL: `${url}/mirror`,
    };
  });
  afterEach(async () => {
    host.closeAllConnections();
    await new Promise(resolve => host.close(resolve));
  });

  const inCache = (): Promise<string[]> => readdir(join(dir.path, 'cache'), { recursive: true });
  /** Answers with an archive as that of the real host, of a Chrome that is this machine's Chromium. */
  const serveChrome = async (): Promise<void> => {
    const searchPath = process.env['PATH'] ?? '';
    const real = await findChromium({ configured: null, searchPath, cacheDirs: chromiumCacheDirs() });
    const archive = zipOf('chrome-linux64/chrome', `#!/bin/sh\nexec '${real}' "$@"\n`);
    answer = (_req, res) => res.setHeader('content-length', archive.length).end(archive);
  };

  test('fetches it, after saying what, how large and from where, and proves it', async () => {
    await serveChrome();
    const { code, output } = await setup(machine);
    expect(output).toMatch(/^setup: missing: chromium; fetching Chrome for Testing [\d.]+ \(about \d+ MB/);
    expect(output).toMatch(/^setup: from http:.*\/mirror\/[\d.]+\/linux64\/chrome-linux64\.zip /m);
    expect(output).toMatch(/^setup: 100 % of 0\.\d MB$/m);
    expect(output).toMatch(/^setup: trying .*\/cache\/chrome\/linux-[\d.]+\/chrome-linux64\/chrome$/m);
    expect(code).toBe(0);
    expect(asked).toEqual([expect.stringMatching(/^\/mirror\/[\d.]+\/linux64\/chrome-linux64\.zip$/)]);
    // The second time it is there.
    expect(await setup(machine)).toEqual({ code: 0, output: '' });
  });

  test('fetches it through a proxy', async () => {
    await serveChrome();
    const proxy = new URL(machine['PUPPETEER_CHROME_DOWNLOAD_BASE_URL'] ?? '').origin;
    const base = 'http://chrome.invalid/public';
    const env = { ...machine, HTTP_PROXY: proxy, PUPPETEER_CHROME_DOWNLOAD_BASE_URL: base };
    const { code, output } = await setup(env);
    expect([code, output]).toEqual([0, expect.stringContaining(`from ${base}/`)]);
    expect(asked).toEqual([expect.stringMatching(/^http:\/\/chrome\.invalid\/public\//)]);
  });

  test.each<[string, RequestListener, RegExp]>([
    [
      'is not there',
      (_req, res) => res.writeHead(404).end(),
      /^setup: chromium_download_failed: .*server returned code 404/m,
    ],
    [
      'breaks off',
      (_req, res) => {
        res.writeHead(200, { 'content-length': 1_000_000 }).write('PK', () => res.destroy());
      },
      /^setup: chromium_download_failed: the server closed the connection early/m,
    ],
    [
      'is damaged',
      (_req, res) => res.setHeader('content-length', 7).end('no zip!'),
      /^setup: chromium_download_failed: .*central directory/m,
    ],
    [
      'refuses the connection',
      req => req.socket.destroy(),
      /^setup: chromium_download_failed: .*(?:socket hang up|reset)/m,
    ],
  ])(
    'fails with a code and advice when the download %s, and leaves nothing',
    async (_name, listener, reason) => {
      answer = listener;
      const { code, output } = await setup(machine);
      expect(output).toMatch(reason);
      expect(output).toContain('PUPPETEER_CHROME_DOWNLOAD_BASE_URL');
      expect(output).toContain('HOLDFAST_CHROMIUM_PATH');
      expect(code).toBe(1);
      expect(await inCache()).toEqual([]);
    },
  );

  test('takes the place of what a killed setup has left', async () => {
    await serveChrome();
    await mkdir(join(dir.path, 'cache', '.fetching-4194305', 'chrome'), { recursive: true });
    expect((await setup(machine)).code).toBe(0);
    expect((await inCache()).filter(name => name.startsWith('.fetching'))).toEqual([]);
  });

  test('fetches nothing when it may only check', async () => {
    const { code, output } = await setup({ ...machine, HOLDFAST_SETUP: 'check' });
    expect([code, asked]).toEqual([1, []]);
    expect(output).toContain('missing: chromium (nothing is installed, because of HOLDFAST_SETUP=check)');
  });

  test('says first what else is missing', async () => {
    const { code, output } = await setup({ ...machine, REDIS_URL: undefined });
    expect([code, asked]).toEqual([1, []]);
    expect(output).toContain('missing: redis, chromium (this system has no apt-get)');
    expect(output).toContain('the next start fetches it');
  });
});

test.each([
  [{ platform: 'darwin', arch: 'arm64', isMusl: false }, null],
  [{ platform: 'linux', arch: 'x64', isMusl: false }, null],
  [{ platform: 'linux', arch: 'arm64', isMusl: false }, 'Chrome for Testing has no build for Linux on arm64'],
  [{ platform: 'linux', arch: 'x64', isMusl: true }, expect.stringContaining('glibc')],
  [{ platform: 'freebsd', arch: 'x64', isMusl: false }, 'Holdfast does not run on freebsd'],
])('setup knows whether a Chrome for Testing runs on %j', async (machine, reason) => {
  const ask = `import { whyNotFetch } from './scripts/setup/fetch-chromium.mjs';
    console.log(JSON.stringify(whyNotFetch(${JSON.stringify(machine)})));`;
  const { output } = await run(['--input-type=module', '-e', ask], {});
  expect(JSON.parse(output)).toEqual(reason);
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
