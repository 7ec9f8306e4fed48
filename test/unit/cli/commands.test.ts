import { rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../../src/cli/main';
import { startStubService, type Script, type StubService } from '../../support/stub-service';

const SESSION = {
  id: 's1',
  status: 'live',
  endReason: null,
  name: null,
  labels: {},
  createdAt: '2030-01-01T00:00:00Z',
  liveAt: null,
  expiresAt: null,
  websocketUrl: 'ws://x/cdp',
  queuePosition: null,
  workerId: null,
  revision: 1,
  error: null,
};

describe('the command line', () => {
  let stub: StubService;
  let script: Script;
  beforeAll(async () => (stub = await startStubService((request, n) => script(request, n))));
  afterAll(() => stub.stop());
  let seen = 0;
  beforeEach(() => (seen = stub.requests.length));

  /** Runs a command line against the stub, each request once. */
  const run = async (...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    const written = { stdout: '', stderr: '' };
    const output = (name: 'stdout' | 'stderr') => ({
      write: (text: string) => (written[name] += text),
      on: () => process.stdout,
    });
    const code = await main(argv, '1.2.3', { stdout: output('stdout'), stderr: output('stderr') });
    return { code, ...written };
  };
  const remote = async (...argv: string[]): ReturnType<typeof run> =>
    run(...argv, '--url', stub.url, '--retries', '0');
  const bodies = (): unknown[] =>
    stub.requests.slice(seen).map(({ body }): unknown => (body === '' ? null : JSON.parse(body)));

  it('prints its version, and its help when asked for it or called without a command', async () => {
    expect(await run('--version')).toEqual({ code: 0, stdout: '1.2.3\n', stderr: '' });
    expect(JSON.parse((await run('version', '--json')).stdout)).toMatchObject({ holdfast: '1.2.3' });
    expect(await run('sessions', '--help')).toMatchObject({ code: 0, stderr: '' });
    expect(await run()).toMatchObject({ code: 2, stdout: '' });
  });

  it('sends exactly the options of create', async () => {
    const cookies = join(tmpdir(), 'cookies.json');
    writeFileSync(cookies, '[{"name":"a","value":"b","url":"http://x"}]');
    const password = join(tmpdir(), 'password');
    writeFileSync(password, 'secret\n');
    script = () => ({ status: 202, body: SESSION });
    const flags =
      '--timeout 10m --idle-timeout 1h30m --connect-timeout off --label team=a --label env=x=y --name n --id s1 --width 800 --height 600';
    const browser = [
      '--user-agent',
      'a b',
      '--locale',
      'de-DE',
      '--timezone',
      'UTC',
      '--headful',
      '--device-scale-factor',
      '1.5',
      ...['--egress-allow', 'a.example', '--egress-allow', '*.b.example:443', '--egress-deny', '*:25'],
    ];
    const proxy = [
      '--proxy-server',
      'http://p:1',
      '--proxy-username',
      'u',
      '--proxy-password-file',
      password,
    ];
    const create = await remote(
      'sessions',
      'create',
      ...flags.split(' '),
      ...browser,
      ...proxy,
      '--cookies-file',
      cookies,
      '--no-wait',
      '-o',
      'name',
      '--idempotency-key',
      'k1',
    );
    for (const file of [cookies, password]) rmSync(file);
    expect(create).toEqual({ code: 0, stdout: 's1\n', stderr: '' });
    expect(bodies()).toEqual([
      {
        timeout: 600_000,
        idleTimeout: 5_400_000,
        connectTimeout: null,
        labels: { team: 'a', env: 'x=y' },
        name: 'n',
        sessionId: 's1',
        dimensions: { width: 800, height: 600 },
        deviceScaleFactor: 1.5,
        userAgent: 'a b',
        locale: 'de-DE',
        timezone: 'UTC',
        egress: { allow: ['a.example', '*.b.example:443'], deny: ['*:25'] },
        proxy: { server: 'http://p:1', username: 'u', password: 'secret' },
        cookies: [{ name: 'a', value: 'b', url: 'http://x' }],
        headless: false,
      },
    ]);
    expect(stub.requests[seen]?.headers).toMatchObject({ 'idempotency-key': 'k1', prefer: 'respond-async' });
    await remote('sessions', 'create', '--no-wait');
    expect(bodies()[1]).toEqual({});
  });

  it('sends the options of update', async () => {
    script = () => ({ status: 200, body: SESSION });
    const { code } = await remote(
      'sessions',
      'update',
      's1',
      '--timeout',
      '30m',
      '--idle-timeout',
      'off',
      '--label',
      'a=b',
      '--label',
      'c-',
      '--name',
      '',
      '--if-revision',
      '7',
    );
    expect(code).toBe(0);
    expect(bodies()).toEqual([
      { timeout: 1_800_000, idleTimeout: null, labels: { a: 'b', c: null }, name: null },
    ]);
    expect(stub.requests[seen]?.headers['if-match']).toBe('"7"');
  });

  it('sends what is asked of a context, and nothing for a variable that is not set', async () => {
    script = () => ({ status: 200, body: { id: 'ctx_1', name: 'n', labels: {} } });
    const { code } = await remote('contexts', 'create', 'n', '--label', 'team=a', '--or-get');
    expect(code).toBe(0);
    await remote('contexts', 'create');
    await remote('contexts', 'update', 'ctx_1', '--name', '', '--label', 'team-', '--if-revision', '7');
    expect(bodies()).toEqual([
      { name: 'n', labels: { team: 'a' }, ifExists: 'return' },
      {},
      { name: null, labels: { team: null } },
    ]);
    expect(stub.requests[seen + 2]?.headers['if-match']).toBe('"7"');
    seen = stub.requests.length;
    for (const argv of [
      ['create', ''],
      ['create', '--or-get'],
      ['update', 'ctx_1'],
      ['delete', ''],
      ['restore', 'ctx_1', 'x'],
    ])
      expect([argv, (await remote('contexts', ...argv)).code]).toEqual([argv, 2]);
    expect(bodies()).toEqual([]);
  });

  it('asks for the context of a session by its name or id, and only together with what belongs to it', async () => {
    script = () => ({ status: 202, body: SESSION });
    const create = async (...argv: string[]): ReturnType<typeof run> =>
      remote('sessions', 'create', '--no-wait', ...argv);
    const id = 'ctx_01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5';
    await create('--context', 'git hub', '--persist', '--on-conflict', 'replace', '--save-every', '30s');
    await create('--context', id);
    await create('--context', 'ctx_01a1');
    expect(bodies()).toEqual([
      { context: { name: 'git hub', persist: true, onConflict: 'replace', saveEvery: 30_000 } },
      { context: { id } },
      { context: { id: 'ctx_01a1' } },
    ]);
    seen = stub.requests.length;
    for (const argv of [['--context', ''], ['--persist'], ['--context', 'a', '--on-conflict', 'ask']])
      expect([argv, (await create(...argv)).code]).toEqual([argv, 2]);
    expect(bodies()).toEqual([]);
  });

  it('syncs the context of a session, shows what came of it, and fails if that is not a save', async () => {
    const lastSave = { id: 7, version: 3, error: null };
    const synced = (facts: object, save: object = lastSave): void => {
      const body = { ...SESSION, ...facts, context: { id: 'ctx_1', persist: true, lastSave: save } };
      script = () => ({ status: 200, body, headers: { 'save-id': '7' } });
    };
    synced({});
    expect(await remote('sessions', 'sync', 's1')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^context +id=ctx_1, persist=true\ncontext.lastSave +id=7, version=3,/m),
      stderr: '',
    });
    expect(stub.requests[seen]).toMatchObject({ method: 'POST', url: '/v1/sessions/s1/context/sync' });
    synced({}, { ...lastSave, version: null, error: { code: 'context_too_large', message: 'too large' } });
    expect(await remote('sessions', 'sync', 's1', '--json')).toMatchObject({
      code: 1,
      stderr: 'The context is not saved: too large (context_too_large).\n',
    });
    synced({ status: 'failed' });
    expect((await remote('sessions', 'sync', 's1')).stderr).toMatch(/^The session has failed before/);
    synced({ status: 'released' });
    expect((await remote('sessions', 'sync', 's1')).code).toBe(1);
    await remote('sessions', 'sync', 's1', '--no-wait');
    expect(stub.requests.at(-1)?.headers['prefer']).toBe('respond-async');
  });

  it('writes the logins of a context into a file for its owner alone, and reads them from one', async () => {
    const file = join(tmpdir(), 'state.json');
    const state = { cookies: [{ name: 'sid', value: 'x' }], origins: [] };
    script = ({ method }) => ({ status: 200, body: method === 'GET' ? state : { id: 'ctx_1' } });
    expect(JSON.parse((await remote('contexts', 'export', 'ctx_1')).stdout)).toEqual(state);
    writeFileSync(file, 'older and longer than what comes, and for everybody', { mode: 0o644 });
    expect(await remote('contexts', 'export', 'ctx_1', file)).toMatchObject({ code: 0, stdout: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await remote('contexts', 'import', 'ctx_1', file)).code).toBe(0);
    expect(stub.requests.at(-1)).toMatchObject({ method: 'PUT', url: '/v1/contexts/ctx_1/storage-state' });
    expect(bodies().at(-1)).toEqual(state);
    writeFileSync(file, 'secret, not JSON');
    const sent = stub.requests.length;
    expect(await remote('contexts', 'import', 'ctx_1', file)).toEqual({
      code: 2,
      stdout: '',
      stderr: `holdfast: ${file} is not JSON\n`,
    });
    rmSync(file);
    expect((await remote('contexts', 'import', 'ctx_1', file)).code).toBe(2);
    expect(stub.requests).toHaveLength(sent);
    expect((await remote('contexts', 'export', 'ctx_1', join(file, 'x'))).code).toBe(2);
  });

  it('lists page after page up to the limit, and reports when there are more', async () => {
    script = ({ url }) => {
      const cursor = new URL(url, stub.url).searchParams.get('cursor');
      const ids = cursor === null ? ['a', 'b'] : ['c', 'd'];
      return {
        status: 200,
        body: { sessions: ids.map(id => ({ ...SESSION, id })), nextCursor: cursor === null ? 'n' : null },
      };
    };
    const three = await remote(
      'sessions',
      'list',
      '--limit',
      '3',
      '-o',
      'name',
      '-l',
      'team=a',
      '--status',
      'live',
    );
    expect(three).toMatchObject({
      code: 0,
      stdout: 'a\nb\nc\n',
      stderr: expect.stringContaining('more than 3'),
    });
    expect(stub.requests[seen]?.url).toBe('/v1/sessions?limit=4&labelSelector=team%3Da&status=live');
    expect(await remote('sessions', 'list', '-o', 'name')).toEqual({
      code: 0,
      stdout: 'a\nb\nc\nd\n',
      stderr: '',
    });
  });

  it('releases every session that can be released, and reports the others', async () => {
    script = ({ url }) =>
      url.startsWith('/v1/sessions?')
        ? { status: 200, body: { sessions: [], nextCursor: null } }
        : url.includes('/gone/')
          ? {
              status: 404,
              body: { code: 'session_not_found', message: 'none' },
              headers: { 'x-request-id': 'r1' },
            }
          : { status: 200, body: { ...SESSION, id: url.split('/')[3] } };
    expect(await remote('sessions', 'release', 'a', 'gone', 'b', '-o', 'name')).toEqual({
      code: 3,
      stdout: 'a\nb\n',
      stderr: 'holdfast: none (session_not_found, request r1)\n',
    });
  });

  it('releases many only with a selector or --all', async () => {
    script = () => ({
      status: 200,
      body: { success: true, message: '', matched: 2, released: 0, failed: 0 },
    });
    expect((await remote('sessions', 'release-all')).code).toBe(2);
    expect((await remote('sessions', 'release-all', '--all', '-l', 'a=b')).code).toBe(2);
    expect(bodies()).toEqual([]);
    expect((await remote('sessions', 'release-all', '-l', 'a=b', '--dry-run')).code).toBe(0);
    expect((await remote('sessions', 'release-all', '--all')).code).toBe(0);
    expect(bodies()).toEqual([{ labelSelector: 'a=b', dryRun: true }, { dryRun: false }]);
  });

  it('prints the message of a failed release without control characters', async () => {
    const body = { success: false, message: 'left: \u001b]0;x\u0007s1', matched: 1, released: 0, failed: 1 };
    script = () => ({ status: 200, body });
    const { code, stderr } = await remote('sessions', 'release-all', '--all', '--yes');
    expect([code, stderr]).toEqual([1, 'left:  ]0;x s1\n']);
  });

  it.each(['', ' '])(
    'does not treat the selector %j of an unset variable as all sessions',
    async selector => {
      for (const command of [
        ['release-all', '--yes'],
        ['release-all', '--dry-run'],
        ['list'],
        ['list', '--watch'],
      ]) {
        const told = await remote('sessions', ...command, '-l', selector);
        expect(told).toMatchObject({ code: 2, stderr: expect.stringContaining('Is a variable not set?') });
      }
      expect(stub.requests).toHaveLength(seen);
    },
  );

  it.each([
    [503, 'queue_timeout', 'failed', 4],
    [502, 'launch_failed', 'failed', 4],
    [502, 'worker_lost', 'failed', 4],
    [409, 'session_ended', 'released', 1],
  ])(
    'reports how a session ended during its create: %d %s',
    async (status, code, sessionStatus, exitCode) => {
      const end = { sessionId: 's1', sessionStatus, endReason: code };
      script = () => ({ status, body: { code, message: 'it says', retryable: false, ...end } });
      const told = await remote('sessions', 'create', '--idempotency-key', 'k1', '--json');
      expect({ code: told.code, stdout: told.stdout }).toEqual({ code: exitCode, stdout: '' });
      expect(JSON.parse(told.stderr)).toEqual({
        error: { code, message: 'it says', requestId: null, ...end },
      });
      expect(stub.requests).toHaveLength(seen + 1);
    },
  );

  it.each([
    [401, 'unauthorized', 6],
    [403, 'forbidden_origin', 6],
    [404, 'session_not_found', 3],
    [409, 'session_ended', 1],
    [422, 'invalid_request', 2],
    [422, 'not_supported', 2],
    [500, 'internal_error', 1],
    [503, 'redis_unavailable', 1],
  ])('ends with a stable code: %d %s is %d', async (status, code, exitCode) => {
    script = () => ({ status, body: { code, message: 'it says' }, headers: { 'x-request-id': 'r1' } });
    const told = await remote('sessions', 'get', 's1');
    expect(told).toEqual({ code: exitCode, stdout: '', stderr: `holdfast: it says (${code}, request r1)\n` });
    const json = await remote('sessions', 'get', 's1', '--json');
    expect(JSON.parse(json.stderr)).toEqual({ error: { code, message: 'it says', requestId: 'r1' } });
  });

  it.each([
    ['retry', { status: 200, body: { queue: 'ingress', jobId: '7' } }, { queue: 'ingress', jobId: '7' }],
    ['discard', { status: 204 }, {}],
  ])('tries to %s every job, prints those that it did, and fails for the others', async (order, ok, told) => {
    const missing = { status: 404, body: { code: 'job_not_found', message: 'There is no such job.' } };
    const none = { status: 200, body: { jobs: [], nextCursor: null } };
    script = ({ url }) => (url.startsWith('/v1/jobs?') ? none : url.includes('/gone') ? missing : ok);
    const { code, stdout, stderr } = await remote('jobs', order, 'j1', 'gone', 'j2', '--json');
    const jobs = ['j1', 'j2'].map(id => ({ id, ...told }));
    expect({ code, answer: JSON.parse(stdout) }).toEqual({ code: 3, answer: { jobs } });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'job_not_found' } });
    expect((await remote('jobs', order, 'j1', '-o', 'name')).stdout).toBe('j1\n');
  });

  it('reports that another service answers at the URL, or none', async () => {
    script = () => ({ status: 200, body: '<html>' });
    expect((await remote('capacity')).code).toBe(7);
    script = () => null;
    expect((await remote('capacity')).code).toBe(7);
    expect((await run('capacity', '--url', 'nonsense')).code).toBe(2);
  });

  it('finds the service at the port that the environment names', async () => {
    script = () => ({ status: 200, body: { free: 1 } });
    const settings = ['HOLDFAST_URL', 'HOLDFAST_PORT', 'HOLDFAST_HOST'] as const;
    const before = settings.map(name => process.env[name]);
    const asked = async (...values: string[]): Promise<unknown> => {
      for (const [index, name] of settings.entries()) process.env[name] = values[index] ?? '';
      const from = stub.requests.length;
      const { stderr } = await run('capacity', '--retries', '0', '--request-timeout', '5s');
      return stub.requests.length > from ? 'here' : /http:\/\/[^\s.]+\.?[^\s]*:\d+/.exec(stderr)?.[0];
    };
    try {
      const { port } = new URL(stub.url);
      expect(await asked('', port)).toBe('here');
      expect(await asked('', port, '0.0.0.0')).toBe('here');
      expect(await asked('', port, '::1')).toBe(`http://[::1]:${port}`);
      expect(await asked(stub.url, '1')).toBe('here');
      expect(await asked('http://127.0.0.1:1', port)).toBe('http://127.0.0.1:1');
    } finally {
      for (const [index, name] of settings.entries()) {
        if (before[index] === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = before[index];
      }
    }
  });

  it.each([
    [['sessions', 'create', '--timeout', '10x'], /It is not a duration/],
    [['sessions', 'create', '--label', 'x'], /name=value/],
    [['sessions', 'create', '--width', '5', '--no-wait'], /must be given together/],
    [['sessions', 'create', '--proxy-username', 'u'], /need --proxy-server/],
    [['sessions', 'create', '--cookies-file', '/nowhere'], /ENOENT/],
    [['sessions', 'list', '--since', 'yesterday'], /It is not a time/],
    [['sessions', 'list', '--limit', '-1'], /whole number/],
    [['sessions', 'update', 's1'], /nothing to change/],
    [['sessions', 'get'], /missing required argument 'id'/],
    [['sessions', 'creat'], /unknown command 'creat' \(Did you mean create\?\)/],
    [['capacity', '-o', 'name'], /Allowed choices are table, json, ndjson/],
    [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
    [['start', '--fast'], /unknown option '--fast'/],
  ])('%j is refused on one line, with 2', async (argv, message) => {
    seen = stub.requests.length;
    const { code, stderr, stdout } = await run(...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^holdfast: .*\n$/);
    expect(stderr).toMatch(message);
    expect(bodies()).toEqual([]);
    const asJson = await run(...argv, '-o', 'json');
    if (argv[0] === 'sessions')
      expect(JSON.parse(asJson.stderr)).toMatchObject({ error: { message: expect.any(String) } });
  });
});
