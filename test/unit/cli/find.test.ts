import { main } from '../../../src/cli/main';
import { startStubService, type StubService } from '../../support/stub-service';

const session = (id: string, status: string, name: string | null = null): Record<string, unknown> => ({
  id,
  status,
  name,
  endReason: status === 'live' ? null : 'released_by_client',
  labels: {},
  createdAt: '2030-01-01T00:00:00Z',
  expiresAt: null,
  revision: 1,
});

const SESSIONS = [
  session('01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5', 'live', 'nightly'),
  session('01a1f7a3-7f86-7999-b3d1-8c6f8e66dca5', 'live', 'twice'),
  session('01a1f7a4-0000-7000-8000-000000000000', 'live', 'twice'),
  session('abc', 'live'),
  session('abcd-of-mine', 'live'),
  session('01a1f000-0000-7000-8000-000000000001', 'released', 'nightly'),
  session('01a1f111-0000-7000-8000-000000000002', 'released', 'weekly'),
];
const WORKERS = ['4ace64b4-bc6e-49c6-b6bb-b206c1a08217', '4ace9999-bc6e-49c6-b6bb-b206c1a08217'].map(
  (id, index) => ({ id, hostname: `host-${index}`, slots: 1, used: 0, draining: true, alive: true }),
);
const JOBS = ['01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5', '01a1f7a3-7f86-7999-b3d1-8c6f8e66dca5'].map(id => ({
  id,
  name: 'session.create',
}));

const CONTEXTS = [
  {
    id: 'ctx_01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5',
    name: 'github',
    labels: {},
    updatedAt: '2030-01-01T00:00:00Z',
  },
  {
    id: 'ctx_01a1f7a3-7f86-7999-b3d1-8c6f8e66dca5',
    name: null,
    labels: {},
    updatedAt: '2030-01-01T00:00:00Z',
  },
];

describe('an argument that names a session', () => {
  let stub: StubService;
  beforeAll(async () => (stub = await startStubService(({ method, url }) => serve(method, url))));
  afterAll(() => stub.stop());

  const run = async (...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    const written = { stdout: '', stderr: '' };
    const output = (name: 'stdout' | 'stderr') => ({
      write: (text: string) => (written[name] += text),
      on: () => process.stdout,
    });
    const [group = '', command = '', ...words] = argv;
    const remote = ['--url', stub.url, '--retries', '0'];
    const code = await main([group, command, ...remote, ...words], '1.2.3', {
      stdout: output('stdout'),
      stderr: output('stderr'),
    });
    return { code, ...written };
  };
  /** The requests that change something, as `METHOD path`, during some work. */
  const changesOf = async (work: Promise<unknown>): Promise<string[]> => {
    const before = stub.requests.length;
    await work;
    return stub.requests
      .slice(before)
      .filter(({ method }) => method !== 'GET')
      .map(({ method, url }) => `${method} ${url}`);
  };

  it.each([
    ['a whole id', '01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5', '01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5'],
    ['its beginning', '01a1f7a3-7f86-78', '01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5'],
    ['a name', 'weekly', '01a1f111-0000-7000-8000-000000000002'],
    ['a name that one that has ended had, too', 'nightly', '01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5'],
    ['a whole id that another begins with', 'abc', 'abc'],
    ['the beginning of one that has ended', '01a1f111', '01a1f111-0000-7000-8000-000000000002'],
  ])('%s is enough', async (_what, word, id) => {
    expect(await run('sessions', 'get', word, '-o', 'name')).toEqual({
      code: 0,
      stdout: `${id}\n`,
      stderr: '',
    });
  });

  it.each([
    ['get', '01a1f7a3-7f86-78'],
    ['events', '01a1f7a3-7f86-78'],
    ['watch', '01a1f111'],
    ['release', '01a1f7a3-7f86-78'],
    ['open', '01a1f7a3-7f86-78'],
  ])('sessions %s takes it', async (command, word) => {
    const { code, stderr } = await run('sessions', command, word, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('a word that fits several sessions is refused with their names, and nothing is done', async () => {
    const released = run('sessions', 'release', 'twice', '01a1f7a3');
    expect(await changesOf(released)).toEqual([
      'POST /v1/sessions/twice/release',
      'POST /v1/sessions/01a1f7a3/release',
    ]);
    expect(await released).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'holdfast: "twice" matches 2 sessions: 01a1f7a3-7f86-7999-b3d1-8c6f8e66dca5 (live, twice), 01a1f7a4-0000-7000-8000-000000000000 (live, twice)\n' +
        'holdfast: "01a1f7a3" matches 2 sessions: 01a1f7a3-7f86-7888-b3d1-8c6f8e66dca5 (live, nightly), 01a1f7a3-7f86-7999-b3d1-8c6f8e66dca5 (live, twice)\n',
    });
    const { stderr } = await run('sessions', 'get', 'twice', '--json');
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: null,
        message: expect.stringContaining('matches 2 sessions'),
        requestId: null,
        candidates: ['01a1f7a3-7f86-7999-b3d1-8c6f8e66dca5', '01a1f7a4-0000-7000-8000-000000000000'],
      },
    });
  });

  it.each(['', ' ', '.', '..', '0', '01a', '-', '*', '%', '01a1f7a3-7f86-7777-b3d1-8c6f8e66dca5'])(
    '%j releases nothing',
    async word => {
      const released = run('sessions', 'release', '--', word);
      const answered = (await changesOf(released)).filter(change =>
        SESSIONS.some(({ id }) => change === `POST /v1/sessions/${String(id)}/release`),
      );
      expect(answered).toEqual([]);
      expect((await released).code).toBe(word.trim() === '' ? 2 : 3);
    },
  );

  it('a context may be named by its name or the beginning of its id', async () => {
    const [first, second] = CONTEXTS.map(({ id }) => id);
    expect((await run('contexts', 'show', 'github', '-o', 'name')).stdout).toBe(`${String(first)}\n`);
    expect((await run('contexts', 'versions', 'ctx_01a1f7a3-7f86-79')).code).toBe(0);
    expect(await changesOf(run('contexts', 'restore', 'ctx_01a1f7a3-7f86-79', '3'))).toContain(
      `POST /v1/contexts/${String(second)}/versions/3/restore`,
    );
    const deleted = run('contexts', 'delete', 'github', 'ctx_01a1', 'none');
    expect((await changesOf(deleted)).filter(change => /ctx_[0-9a-f-]{36}$/.test(change))).toEqual([
      `DELETE /v1/contexts/${String(first)}`,
    ]);
    expect(await deleted).toMatchObject({
      code: 2,
      stdout: expect.stringContaining(String(first)),
      stderr: expect.stringMatching(/matches 2 contexts: .*\(github\), .*\(no name\)\n.*none/),
    });
  });

  it('a worker may be named by its host, a job in quarantine by the beginning of its id', async () => {
    expect((await run('workers', 'drain', 'host-1', '-o', 'name')).stdout).toBe(
      `${String(WORKERS[1]?.id)}\n`,
    );
    expect((await run('workers', 'undrain', '4ace64', '-o', 'name')).stdout).toBe(
      `${String(WORKERS[0]?.id)}\n`,
    );
    expect(await run('workers', 'drain', '4ace')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('matches 2 workers: 4ace64b4-bc6e-49c6-b6bb-b206c1a08217 (host-0), '),
    });
    expect((await run('jobs', 'retry', '01a1f7a3-7f86-78', '-o', 'name')).stdout).toBe(
      `${String(JOBS[0]?.id)}\n`,
    );
    expect(await run('jobs', 'discard', 'session.create')).toMatchObject({ code: 3 });
    expect(await run('jobs', 'show', '01a1f7a3')).toMatchObject({ code: 2 });
  });
});

/** The part of the service that these tests need. */
function serve(
  method: string,
  url: string,
): { status: number; body?: unknown; headers?: Record<string, string> } {
  const { pathname, searchParams } = new URL(url, 'http://x');
  const [, , kind = '', id = '', action = ''] = pathname.split('/').map(decodeURIComponent);
  const missing = (code: string): ReturnType<typeof serve> => ({
    status: 404,
    body: { code, message: 'none' },
  });
  if (kind === 'sessions') {
    const wanted = searchParams.get('status')?.split(',');
    const listed = SESSIONS.filter(({ status }) => wanted === undefined || wanted.includes(String(status)));
    if (id === '') return { status: 200, body: { sessions: listed, nextCursor: null } };
    const found = SESSIONS.find(each => each['id'] === id);
    if (found === undefined) return missing('session_not_found');
    if (action === 'events' && pathname.endsWith('/stream')) return { status: 204 };
    if (action === 'events') return { status: 200, body: { events: [] } };
    if (action === 'live') return { status: 200, body: { pages: [] } };
    return { status: 200, body: found };
  }
  if (kind === 'contexts') {
    const name = searchParams.get('name');
    const listed = CONTEXTS.filter(each => name === null || each.name === name);
    if (id === '') return { status: 200, body: { contexts: listed, nextCursor: null } };
    const found = CONTEXTS.find(each => each.id === id);
    if (found === undefined) return missing('context_not_found');
    return { status: 200, body: pathname.endsWith('/versions') ? { versions: [] } : found };
  }
  if (kind === 'workers') {
    if (id === '') return { status: 200, body: { workers: WORKERS } };
    const found = WORKERS.find(each => each.id === id);
    return found === undefined ? missing('worker_not_found') : { status: 200, body: found };
  }
  if (id === '') return { status: 200, body: { jobs: JOBS, nextCursor: null } };
  const found = JOBS.find(each => each.id === id);
  if (found === undefined) return missing('job_not_found');
  return { status: 200, body: method === 'POST' ? { queue: 'ingress', jobId: '7' } : found };
}
