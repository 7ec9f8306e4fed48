import { Browser } from '../../../src/client/browser';
import type { Session } from '../../../src/client/session';
import { startStubService, type Script, type StubService } from '../../support/stub-service';

describe('a sync of a context', () => {
  let stub: StubService;
  let client: Browser;
  let script: Script;
  beforeEach(async () => {
    stub = await startStubService((request, n) => script(request, n));
    client = new Browser({ baseUrl: stub.url, maxRetries: 0 });
  });
  afterEach(() => stub.stop());

  const session = (revision: number, lastSaveId: number | null, status = 'live'): object => ({
    ...{ id: 's1', status, revision },
    context: { id: 'ctx_1', lastSave: lastSaveId === null ? null : { id: lastSaveId, version: 1 } },
  });
  const savedAs = ({ context }: Session): unknown => context?.lastSave?.id ?? null;
  const asked = (): string[] => stub.requests.map(({ method, url }) => `${method} ${url}`);

  it('answers with the session when its own save is there, however many requests that takes', async () => {
    const answers = [
      { status: 202, body: session(3, 5), headers: { 'save-id': '7' } },
      { status: 200, body: session(4, 6) },
      { status: 200, body: session(5, 8) },
    ];
    script = (_, n) => answers[n] ?? null;
    expect(savedAs(await client.sessions.syncContext('s1'))).toBe(8);
    expect(asked()).toEqual([
      'POST /v1/sessions/s1/context/sync',
      'GET /v1/sessions/s1',
      'GET /v1/sessions/s1',
    ]);
    expect(stub.requests[1]?.headers).toMatchObject({ 'if-none-match': '"3"', prefer: 'wait=30' });
  });

  it('asks no further once the session has ended, or if it was not to wait', async () => {
    script = () => ({ status: 200, body: session(4, null, 'released'), headers: { 'save-id': '7' } });
    expect((await client.sessions.syncContext('s1')).status).toBe('released');
    script = () => ({ status: 202, body: session(3, null), headers: { 'save-id': '7' } });
    expect(savedAs(await client.sessions.syncContext('s1', { wait: false }))).toBeNull();
    expect(stub.requests.map(({ headers }) => headers['prefer'])).toEqual([undefined, 'respond-async']);
  });

  it('stops waiting when its signal says so', async () => {
    const abort = new AbortController();
    script = (_, n) => {
      if (n === 0) return { status: 202, body: session(3, null), headers: { 'save-id': '7' } };
      abort.abort(new Error('enough'));
      return 'silence';
    };
    await expect(client.sessions.syncContext('s1', { signal: abort.signal })).rejects.toThrow('enough');
  });
});
