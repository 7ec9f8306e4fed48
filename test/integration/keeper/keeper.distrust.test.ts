import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isAlive, sendSignal, systemProcesses } from '../../../src/core/process-identity';
import { browserUser } from '../../../workers/keeper/process/run-root';
import { asRoot } from '../../support/as-root';
import { fence, KeeperFixture, NOBODY, type TestWorker } from '../../support/keeper-fixture';
import { pollUntil } from '../../support/poll-until';

/* The keeper believes nothing that a browser can write. What a browser could do is done here as its user. */

const EARLIER_SHIM = join(__dirname, '../../fixtures/earlier-keeper/shim.sh');

let fixture: KeeperFixture;
let worker: TestWorker;
beforeEach(async () => {
  fixture = await KeeperFixture.open({ slots: 3 });
  worker = await fixture.worker();
});
afterEach(() => fixture.close());

const runRoot = (): string => join(fixture.dir.path, 'run');

async function runDirectory(): Promise<string> {
  const [name, ...others] = (await readdir(runRoot())).filter(entry => entry.startsWith('b-'));
  expect(others).toEqual([]);
  return join(runRoot(), name ?? '');
}

/** Runs a command of the shell as the user of a browser; answers what it says about its failure. */
async function asBrowser(directory: string, command: string): Promise<string> {
  const { uid, gid } = await stat(join(directory, 'profile'));
  const result = promisify(execFile)('/bin/sh', ['-c', command, 'sh', directory], { uid, gid });
  return result.then(
    () => 'done',
    // SAFETY: execFile rejects with what the command has said.
    (error: unknown) => (error as { stderr: string }).stderr,
  );
}

/** A program in the place of Chromium that claims to have its DevTools on a port. */
async function liar(port: number): Promise<string> {
  const path = join(fixture.dir.path, 'liar.sh');
  await writeFile(
    path,
    `#!/bin/sh
for word; do case $word in --user-data-dir=*) profile=\${word#*=} ;; esac; done
printf '%s\\n/devtools/browser/11111111-2222-3333-4444-555555555555' ${port} >"$profile/DevToolsActivePort"
exec sleep 1000
`,
  );
  await chmod(path, 0o755);
  return path;
}

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // SAFETY: it listens on a port.
  return { server, port: (server.address() as AddressInfo).port };
}

async function startLiar(port: number): Promise<void> {
  await fixture.stopKeeper();
  // The program lies in the data folder, which no cage may show.
  const wanted = process.getuid?.() === 0 ? 'user' : 'shared';
  const isolation = { wanted, uids: null, reads: [] } as const;
  const browser = {
    kind: 'chromium',
    programs: { chromium: await liar(port) },
    byDefault: 'chromium',
    args: [],
    noSandbox: false,
  } as const;
  await fixture.startKeeper({ browser, isolation });
  await worker.registration(1);
}

test('a browser that names the DevTools port of another user or program does not start', async () => {
  const { server, port } = await listen();
  await startLiar(port);
  await expect(worker.launch('t/a', fence())).rejects.toMatchObject({
    code: 'launch_failed',
    message: expect.stringMatching(
      process.getuid?.() === 0
        ? new RegExp(`port ${port} belongs to uid 0, not to \\d+`)
        : `port ${port} belongs to another browser`,
    ),
  });
  expect(await worker.used()).toBe(0);
  server.close();
});

test('a browser that says it has no DevTools does not start', async () => {
  await startLiar(0);
  await expect(worker.launch('t/a', fence())).rejects.toMatchObject({
    code: 'launch_failed',
    message: expect.stringContaining('names port 0'),
  });
});

asRoot(describe)('the user of a browser', () => {
  test('cannot list the run directory, nor write or replace what the keeper reads in it', async () => {
    await worker.launch('t/a', fence());
    const directory = await runDirectory();
    expect(await asBrowser(directory, 'ls "$1"')).toMatch(/Permission denied/);
    for (const name of ['pid', 'exit', 'log']) {
      expect([name, await asBrowser(directory, `cat "$1/${name}"`)]).toEqual([
        name,
        expect.stringMatching(/Permission denied/),
      ]);
      expect(await asBrowser(directory, `printf 000 1<>"$1/${name}"`)).toMatch(/Permission denied/);
      expect(await asBrowser(directory, `rm -f "$1/${name}"`)).toMatch(/Permission denied/);
    }
    expect(await asBrowser(directory, 'mv "$1/profile" "$1/tmp/p"')).toMatch(/Permission denied/);
    expect(await asBrowser(directory, 'ln -s / "$1/uploads"')).toMatch(/Permission denied/);
    expect(await asBrowser(directory, 'echo yes >"$1/tmp/a" && echo yes >"$1/downloads/a"')).toBe('done');
  });

  test('has no descriptor of the keeper but its log, to which it can only append', async () => {
    await worker.launch('t/a', fence());
    const directory = await runDirectory();
    const pid = Number(await readFile(join(directory, 'pid'), 'utf8'));
    // The shell that it is at first has its script open.
    await pollUntil('the null browser', { timeoutMs: 2_000, everyMs: 5 }, async () =>
      (await readFile(`/proc/${pid}/comm`, 'utf8')) === 'dd\n' ? true : undefined,
    );
    const flags = await readFile(`/proc/${pid}/fdinfo/2`, 'utf8');
    // What this test was started with goes to all processes below it.
    const other = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(other, 'spawn');
    const inherited = await readdir(`/proc/${other.pid}/fd`);
    other.kill('SIGKILL');
    const beyondThat = async (): Promise<string[]> =>
      (await readdir(`/proc/${pid}/fd`)).filter(fd => Number(fd) > 2 && !inherited.includes(fd));
    // While it starts, it has its libraries and its locale open for a moment.
    await pollUntil('what it has loaded to be closed', { timeoutMs: 2_000, everyMs: 5 }, async () =>
      (await beyondThat()).length === 0 ? true : undefined,
    ).catch(() => undefined); // the list says more than that it took too long
    expect(await beyondThat()).toEqual([]);
    expect(Number.parseInt(/^flags:\s+(\d+)$/m.exec(flags)?.[1] ?? '0', 8) & 0o2001).toBe(0o2001);
  });

  test('who has another program listen at the port of its own browser is found out', async () => {
    const user = browserUser();
    const script =
      "const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))";
    const other = spawn(process.execPath, ['-e', script], { ...user, cwd: '/' });
    const [line] = (await once(other.stdout, 'data')) as [Buffer];
    await startLiar(Number(line));
    await expect(worker.launch('t/a', fence())).rejects.toMatchObject({
      code: 'launch_failed',
      message: expect.stringContaining(`port ${Number(line)} belongs to`),
    });
    const gone = once(other, 'exit');
    other.kill('SIGKILL');
    await gone;
  });
});

asRoot(describe)('each browser has a user of its own', () => {
  /** Whom the browser of each run directory runs as. */
  async function uids(): Promise<number[]> {
    const names = (await readdir(runRoot())).filter(entry => entry.startsWith('b-'));
    return Promise.all(names.map(async name => (await stat(join(runRoot(), name, 'profile'))).uid));
  }

  test('who is neither root nor nobody, and may not enter the folder of another', async () => {
    await worker.launch('t/a', fence());
    const first = await runDirectory();
    await worker.launch('t/b', fence());
    const [one = 0, other = 0, ...more] = await uids();
    expect(more).toEqual([]);
    expect(new Set([one, other, 0, 65_534]).size).toBe(4);
    const names = (await readdir(runRoot())).filter(entry => entry.startsWith('b-'));
    const second = join(runRoot(), names.find(name => join(runRoot(), name) !== first) ?? '');
    expect(await asBrowser(first, `ls ${second}/profile`)).toMatch(/Permission denied/);
    expect(await asBrowser(first, 'ls "$1/profile"')).toBe('done');
  });

  test('whose processes all end with it, whatever they are called, and however fast they multiply', async () => {
    const claim = fence();
    await worker.launch('t/a', claim);
    const [uid = 0] = await uids();
    const bomb = 'while :; do (sleep 0.05 &) ; done';
    for (const words of [
      ['sleep', '1000'],
      ['sh', '-c', bomb],
    ]) {
      const [program = '', ...args] = words;
      spawn(program, args, { uid, gid: uid, cwd: '/', detached: true, stdio: 'ignore', env: {} }).unref();
    }
    expect(await worker.close('t/a', claim)).toBe(true);
    const left = (await systemProcesses.list()).filter(entry => entry.uid === uid);
    expect(await Promise.all(left.map(({ pid }) => systemProcesses.identify(pid)))).toEqual(
      left.map(() => null),
    );
  });

  test('which the next keeper does not give to another as long as the browser lives', async () => {
    const claim = fence();
    await worker.launch('t/a', claim);
    const [uid = 0] = await uids();
    await fixture.stopKeeper();
    const isolation = { wanted: 'user', uids: { first: uid, last: uid }, reads: [] } as const;
    await fixture.startKeeper({ slots: 3, isolation });
    await worker.registration(1);
    await expect(worker.launch('t/b', fence())).rejects.toMatchObject({
      code: 'launch_failed',
      message: 'all user ids for browsers are in use',
    });
    expect(await worker.close('t/a', claim)).toBe(true);
    await worker.launch('t/b', fence());
    expect(await uids()).toEqual([uid]);
  });
});

asRoot(describe)('a browser that an earlier version has started', () => {
  /** A run directory that belongs to the browser's user, with a shim of that user, and its record. */
  async function startEarlier(ref: string, claim: ReturnType<typeof fence>): Promise<string> {
    const user = browserUser();
    const directory = join(runRoot(), 'b-0000aa');
    for (const path of ['', 'profile', 'tmp', 'downloads']) {
      await mkdir(join(directory, path), { mode: 0o700 });
      await chown(join(directory, path), user.uid, user.gid);
    }
    for (const [name, content] of [
      ['pid', '..........\n'],
      ['exit', '...\n'],
    ] as const) {
      await writeFile(join(directory, name), content, { mode: 0o600 });
      await chown(join(directory, name), user.uid, user.gid);
    }
    const shimScript = join(runRoot(), 'earlier-shim.sh');
    await writeFile(shimScript, await readFile(EARLIER_SHIM));
    const words = [shimScript, directory, '/bin/sh', '-c', 'exec sleep 1000'];
    const child = spawn('/bin/sh', words, { ...user, cwd: directory, detached: true, stdio: 'ignore' });
    child.unref();
    const pid = await pollUntil('the pid', { timeoutMs: 5_000, everyMs: 5 }, async () => {
      const text = await readFile(join(directory, 'pid'), 'utf8');
      return /^\d+\n$/.test(text) ? Number(text) : undefined;
    });
    const record = {
      ref,
      fence: claim,
      bootId: await systemProcesses.bootId(),
      facts: {
        browser: await systemProcesses.identify(pid),
        shim: await systemProcesses.identify(child.pid ?? 0),
        devTools: { port: 0, path: '/devtools/browser/earlier' },
        companions: { forwardProxy: null },
      },
      ordered: false,
      gone: null,
      cuts: [],
      cutsHeard: false,
      keepsProfile: false,
      uploadCut: 'none',
    };
    await writeFile(join(runRoot(), 'records', 'b-0000aa.json'), JSON.stringify(record));
    return directory;
  }

  test('is taken over; a status that is planted in its folder ends nothing, and it ends as others do', async () => {
    const claim = fence();
    await fixture.stopKeeper();
    const directory = await startEarlier('t/a', claim);
    await fixture.startKeeper();
    const { browsers } = await worker.registration(1);
    expect(browsers).toMatchObject([{ ref: 't/a', state: 'running', gone: null }]);
    const pid = Number(await readFile(join(directory, 'pid'), 'utf8'));
    expect(await asBrowser(directory, 'printf \'000\\n\' 1<>"$1/exit"')).toBe('done');
    // The keeper notices every write, and this is one more that it has seen by the time it answers.
    await worker.untilBeats(2);
    expect(await worker.list()).toMatchObject([{ ref: 't/a', state: 'running' }]);
    sendSignal(pid, 'SIGKILL');
    expect((await worker.untilGone('t/a')).gone?.cause).toBe('browser_crashed');
    await worker.untilIdle();
    expect((await readdir(runRoot())).filter(name => name.startsWith('b-'))).toEqual([]);
  });

  test('whose pid is rewritten costs no other process its life', async () => {
    const claim = fence();
    await fixture.stopKeeper();
    const directory = await startEarlier('t/a', claim);
    const bystander = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const identity = await systemProcesses.identify(bystander.pid ?? 0);
    expect(identity).not.toBeNull();
    expect(await asBrowser(directory, `printf '%010d\\n' ${bystander.pid} 1<>"$1/pid"`)).toBe('done');
    await fixture.startKeeper();
    await worker.registration(1);
    expect(await worker.close('t/a', claim)).toBe(true);
    expect(await isAlive(systemProcesses, identity ?? NOBODY)).toBe(true);
    const gone = once(bystander, 'exit');
    bystander.kill('SIGKILL');
    await gone;
  });
});
