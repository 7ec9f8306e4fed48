import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Installation, type Answer, type SessionView } from '../support/installation';
import { PseudoTerminal } from '../support/pseudo-terminal';
import { pollUntil } from '../support/poll-until';

const SLOTS = 2;
const API_KEY = 'key-of-the-test';
const ENTER_SCREEN = '\u001b[?1049h';
const LEAVE_SCREEN = '\u001b[?1049l';

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the command line', () => {
  let installation: Installation;
  let bin: string;
  let env: NodeJS.ProcessEnv;
  let terminal: PseudoTerminal | null = null;
  beforeAll(async () => {
    installation = await Installation.start({
      env: { HOLDFAST_SLOTS: String(SLOTS), HOLDFAST_API_KEYS: `default=${API_KEY}` },
    });
    // As npm installs it: a link that is called from any folder.
    bin = join(installation.dir.path, 'holdfast');
    symlinkSync(join(process.cwd(), 'bin/holdfast'), bin);
    env = {
      PATH: process.env['PATH'],
      TMPDIR: process.env['TMPDIR'],
      HOLDFAST_URL: installation.url,
      HOLDFAST_API_KEY: API_KEY,
    };
  });
  afterAll(() => installation.stop());
  afterEach(async () => {
    await terminal?.kill();
    terminal = null;
    await call('POST', '/v1/sessions/release');
  });

  const start = (
    argv: readonly string[],
    extra: NodeJS.ProcessEnv = {},
  ): { run: Promise<Run>; pid: number; seen: () => string } => {
    const child = spawn(bin, argv, {
      cwd: '/',
      env: { ...env, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const run = once(child, 'close').then(() => ({ code: child.exitCode, stdout, stderr }));
    return { run, pid: child.pid ?? 0, seen: () => stdout };
  };
  const holdfast = async (...argv: string[]): Promise<Run> => start(argv).run;
  const create = async (...argv: string[]): Promise<string> => {
    const { code, stdout, stderr } = await holdfast('sessions', 'create', '-o', 'name', ...argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout.trim();
  };

  /**
   * A call of the API, for what a test needs but is not about: a process for each would cost a hundred times as much.
   */
  const call = async <T = SessionView>(method: string, path: string, body?: unknown): Promise<Answer<T>> =>
    installation.call<T>(method, path, body, { authorization: `Bearer ${API_KEY}` });
  const live = async (wish: Record<string, unknown> = {}): Promise<string> => {
    const { status, body } = await call('POST', '/v1/sessions', wish);
    expect(status).toBe(201);
    return body.id;
  };
  const release = async (id: string): Promise<unknown> => call('POST', `/v1/sessions/${id}/release`);
  const only = async (status: string): Promise<string> =>
    pollUntil(`a session that is ${status}`, { timeoutMs: 10_000, everyMs: 50 }, async () => {
      const { body } = await call<{ sessions: SessionView[] }>('GET', `/v1/sessions?status=${status}`);
      return body.sessions.map(({ id }) => id).join(' ') || undefined;
    });

  it('creates, finds, changes and ends a session', async () => {
    const id = await create('--timeout', '10m', '--label', 'team=a', '--name', 'first');
    const got = await holdfast('sessions', 'get', id, '--json');
    expect(JSON.parse(got.stdout)).toMatchObject({
      id,
      status: 'live',
      timeout: 600_000,
      labels: { team: 'a' },
      name: 'first',
    });

    expect((await holdfast('sessions', 'update', id, '--timeout', '20m', '--label', 'team-')).code).toBe(0);
    expect(await call('GET', `/v1/sessions/${id}`)).toMatchObject({
      body: { timeout: 1_200_000, labels: {} },
    });

    const released = await holdfast('sessions', 'release', id, '-o', 'ndjson');
    expect(JSON.parse(released.stdout)).toMatchObject({ id, status: 'released' });
    const { stdout } = await holdfast('sessions', 'events', id);
    expect(stdout).toMatch(/^SEQ +AT +EVENT +FROM +TO +CAUSE +ACTOR\n +1 .* requested +key:default\n/);
    expect(stdout).toMatch(/release +live +released +released_by_client +key:default\n$/);
  });

  it('finds a session by name or by the beginning of its id, at the port of the service', async () => {
    const id = await live({ name: 'by name' });
    const { port } = new URL(installation.url);
    const here = { HOLDFAST_URL: undefined, HOLDFAST_PORT: port };
    for (const word of ['by name', id.slice(0, -1)]) {
      const { run } = start(['sessions', 'get', word, '-o', 'name'], here);
      expect(await run).toEqual({ code: 0, stdout: `${id}\n`, stderr: '' });
    }
    await holdfast('sessions', 'release', 'by name');
    expect((await holdfast('sessions', 'get', 'by name')).stdout).toMatch(/status +released/);
    terminal = new PseudoTerminal(`${bin} sessions list`, env, { columns: 80, rows: 24 });
    await terminal.shows(/ID +STATUS/);
    expect(await terminal.ended()).toBe(0);
    const widths = terminal.output.split('\r\n').map(line => stripVTControlCharacters(line).length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(80);
  });

  it('prints where to look at a live session', async () => {
    const { code, stdout } = await holdfast('sessions', 'open', await live());
    expect(code).toBe(0);
    const [, address = ''] = /^address +(http:\S+\/view\?token=\S+)$/m.exec(stdout) ?? [];
    expect((await fetch(address)).status).toBe(200);
  });

  it('shows the installation: workers, capacity, usage', async () => {
    // The report of a worker is up to two seconds old.
    const untilFree = async (slots: number): Promise<true> =>
      pollUntil(`${slots} free slots`, { timeoutMs: 10_000, everyMs: 50 }, async () =>
        (await call<{ free: number }>('GET', '/v1/capacity')).body.free === slots ? true : undefined,
      );
    const capacity = async (): Promise<string> => (await holdfast('capacity', '-o', 'ndjson')).stdout;
    await untilFree(SLOTS);
    expect(await capacity()).toMatch(/"slots":2,.*"free":2,/);
    const worker = (await holdfast('workers', 'list', '-o', 'name')).stdout.trim();
    try {
      expect((await holdfast('workers', 'drain', worker)).stdout).toContain('draining');
      await untilFree(0);
      expect(await capacity()).toMatch(/"slots":2,.*"free":0,.*"drainingWorkers":1,/);
    } finally {
      expect((await holdfast('workers', 'undrain', worker)).code).toBe(0);
    }
    await untilFree(SLOTS);
    expect((await holdfast('workers', 'list')).stdout).toMatch(/ ready /);
    await release(await live());
    expect((await holdfast('usage')).stdout).toMatch(/released_by_client +\d+ /);
  });

  it('ends with stable exit codes', async () => {
    expect((await holdfast('version')).code).toBe(0);
    expect((await holdfast('sessions', 'creat')).code).toBe(2);
    expect((await holdfast('sessions', 'get', 'nowhere')).code).toBe(3);
    expect((await start(['capacity'], { HOLDFAST_API_KEY: 'wrong' }).run).code).toBe(6);
    expect((await holdfast('capacity', '--url', 'http://127.0.0.1:1024', '--retries', '0')).code).toBe(7);

    for (let n = 0; n < SLOTS; n += 1) await live();
    expect((await holdfast('sessions', 'create', '--queue-timeout', '1s')).code).toBe(4);
    const waited = await holdfast('sessions', 'create', '--wait', '300ms', '--label', 'waited=yes');
    expect(waited).toMatchObject({ code: 5, stdout: '', stderr: expect.stringContaining('is released') });
    const list = await holdfast('sessions', 'list', '-l', 'waited=yes', '-o', 'ndjson');
    expect(JSON.parse(list.stdout)).toMatchObject({ status: 'released' });
    const kept = await holdfast('sessions', 'create', '--wait', '300ms', '--keep');
    expect(kept.code).toBe(5);
    expect(await only('created')).toMatch(/^\S+$/);

    const id = await create('--no-wait');
    const ended = await holdfast('sessions', 'release', id).then(() =>
      holdfast('sessions', 'update', id, '--name', 'x'),
    );
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('session_ended') });
  });

  it('releases the session that it waits for at Ctrl-C', async () => {
    for (let n = 0; n < SLOTS; n += 1) await live();
    const { run, pid } = start(['sessions', 'create']);
    const id = await only('created');
    process.kill(pid, 'SIGINT');
    expect(await run).toEqual({
      code: 130,
      stdout: '',
      stderr: `holdfast: interrupted; session ${id} is released\n`,
    });
    expect((await holdfast('sessions', 'get', id)).stdout).toMatch(/status +released/);
  });

  it('shows in a terminal what a create waits for, and removes the line afterwards', async () => {
    const taken: string[] = [];
    for (let n = 0; n < SLOTS; n += 1) taken.push(await live());
    terminal = new PseudoTerminal(`${bin} sessions create -o name`, env, { columns: 80, rows: 24 });
    await terminal.shows(/queued, position 1/);
    await release(taken[0] ?? '');
    await terminal.shows(/\r\u001b\[K[0-9a-f-]{36}\r\n$/);
    expect(await terminal.ended()).toBe(0);
  });

  it('asks in a terminal before it releases everything, and accepts only a yes', async () => {
    const id = await live();
    for (const [answer, status, code] of [
      ['\r', 'live', 1],
      ['y\r', 'released', 0],
    ] as const) {
      terminal = new PseudoTerminal(`${bin} sessions release-all --all`, env, { columns: 80, rows: 24 });
      await terminal.shows(/Release 1 session\? \[y\/N\] /);
      terminal.type(answer);
      expect(await terminal.ended()).toBe(code);
      expect((await call('GET', `/v1/sessions/${id}`)).body.status).toBe(status);
    }
  });

  it('follows one session to its end, and then exits', async () => {
    const id = await live();
    const { run, seen } = start(['sessions', 'watch', id, '-o', 'ndjson']);
    await pollUntil('the history', { timeoutMs: 10_000, everyMs: 20 }, () =>
      seen().includes('browser_ready') ? true : undefined,
    );
    await release(id);
    const { code, stdout } = await run;
    const seqs = stdout
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { seq: number }).seq);
    expect({ code, seqs }).toEqual({ code: 0, seqs: seqs.map((_, index) => index + 1) });
  });

  it('follows all sessions through the death of the API, and exits silently when its output is closed', async () => {
    const { run, pid, seen } = start(['sessions', 'watch', '-o', 'ndjson']);
    // The stream begins with the events after it is open, and nothing reports that moment.
    await pollUntil('the first event', { timeoutMs: 15_000, everyMs: 100 }, async () => {
      await release(await live());
      return seen().includes('"created"') ? true : undefined;
    });
    const api = await installation.signal('api', 'SIGKILL');
    await installation.replaced('api', api);
    const id = await pollUntil('the API', { timeoutMs: 10_000, everyMs: 50 }, async () => {
      const { code, stdout } = await holdfast('sessions', 'create', '-o', 'name');
      return code === 0 ? stdout.trim() : undefined;
    });
    await pollUntil('the later event', { timeoutMs: 15_000, everyMs: 20 }, () =>
      seen().includes(id) ? true : undefined,
    );
    process.kill(pid, 'SIGINT');
    expect((await run).code).toBe(130);

    const pipe = spawn('sh', ['-c', `{ ${bin} sessions watch; echo "code $?" >&2; } | head -n 1`], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    pipe.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const closed = once(pipe, 'close');
    await pollUntil('the end of the pipe', { timeoutMs: 15_000, everyMs: 100 }, async () => {
      await release(await live());
      return errors === '' ? undefined : true;
    });
    await closed;
    expect(errors).toBe('code 141\n');
  });

  it.each([
    ['q', 'q', 0],
    ['Ctrl-C', '\u0003', 130],
  ])('fills the screen and restores the terminal at %s', async (_name, key, code) => {
    terminal = new PseudoTerminal(`${bin} top`, env, { columns: 120, rows: 30 });
    await terminal.shows(/slots .*\/2 used/);
    const id = await live();
    await terminal.shows(new RegExp(id));
    expect(terminal.output.startsWith(ENTER_SCREEN)).toBe(true);
    terminal.type(key);
    expect(await terminal.ended()).toBe(code);
    expect(terminal.output.endsWith(LEAVE_SCREEN)).toBe(true);
  });

  it('goes on with top when the API is killed, and restores the terminal at SIGTERM', async () => {
    const pidFile = join(installation.dir.path, 'top.pid');
    terminal = new PseudoTerminal(`echo $$ > ${pidFile}; exec ${bin} top`, env, { columns: 120, rows: 30 });
    await terminal.shows(/slots .*\/2 used/);
    // The API is stopped, so that it is away until the screen shows it. Once it is dead, its supervisor starts another.
    const api = await installation.signal('api', 'SIGSTOP');
    await terminal
      .shows(/did not answer in time|cannot be reached/)
      .finally(() => installation.signal('api', 'SIGKILL'));
    const from = terminal.output.length;
    await installation.replaced('api', api);
    await terminal.shows(/\u001b\[H\u001b\[2mslots/, from);
    const child = Number(readFileSync(pidFile, 'utf8'));
    process.kill(child, 'SIGTERM');
    expect(await terminal.ended()).toBe(143);
    expect(terminal.output.endsWith(LEAVE_SCREEN)).toBe(true);
  });

  it('loads no code of the service for a call', () => {
    const main = join(process.cwd(), 'dist/src/cli/main.js');
    const code = `require('${main}'); console.log(Object.keys(require.cache).join('\\n'))`;
    const loaded = execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' });
    expect(loaded).toContain('/commander/');
    expect(loaded).not.toMatch(/bullmq|ioredis|express|xstate|zod|pino|supervisor\/main/);
  });

  it('prints top once without a terminal', async () => {
    await holdfast('sessions', 'watch', await live({ timeout: 1_000 }));
    const { code, stdout } = await holdfast('top');
    expect({ code, hasEscapes: stdout.includes('\u001b') }).toEqual({ code: 0, hasEscapes: false });
    expect(stdout).toMatch(/^slots +\d\/2 used/);
    expect(JSON.parse((await holdfast('top', '--json')).stdout)).toMatchObject({
      capacity: { slots: SLOTS },
      startP95Seconds: expect.any(Number),
      timeoutLatenessP99Seconds: expect.any(Number),
      overdue: 0,
      quarantined: 0,
      eventStreams: expect.any(Number),
      queues: { launch: { waiting: 0 }, ingress: { waiting: 0 } },
    });
  });
});
