import { Browser } from '../../../src/client/browser';
import { startStubService, type StubService } from '../../support/stub-service';

const session = (id: string): object => ({ id, status: 'live', revision: 1 });

describe('a list', () => {
  let stub: StubService;
  let client: Browser;
  beforeEach(async () => {
    stub = await startStubService(({ url }) => {
      if (url === '/v1/sessions/x')
        return { status: 404, body: { code: 'session_not_found', message: 'none' } };
      const cursor = new URL(url, 'http://stub').searchParams.get('cursor');
      if (cursor === null)
        return { status: 200, body: { sessions: [session('a'), session('b')], nextCursor: 'n' } };
      if (cursor === 'n') return { status: 200, body: { sessions: [session('c')], nextCursor: null } };
      return { status: 422, body: { code: 'invalid_request', message: 'is not a cursor of this list' } };
    });
    client = new Browser({ baseUrl: stub.url });
  });
  afterEach(() => stub.stop());

  it('is its first page when awaited, and asks once for it', async () => {
    const list = client.sessions.list({ status: ['live', 'created'], labelSelector: 'team=a', limit: 2 });
    const page = await list;
    expect([...page].map(({ id }) => id)).toEqual(['a', 'b']);
    expect(page).toMatchObject({ nextCursor: 'n', hasMore: true });
    expect((await list.finally()).sessions).toBe(page.sessions);
    expect(stub.requests.map(({ url }) => url)).toEqual([
      '/v1/sessions?status=live%2Ccreated&labelSelector=team%3Da&limit=2',
    ]);
  });

  it('has pages that give the next one', async () => {
    const second = await (await client.sessions.list({ limit: 2 })).nextPage();
    expect(second?.sessions).toMatchObject([{ id: 'c' }]);
    expect(await second?.nextPage()).toBeNull();
    expect(stub.requests[1]?.url).toBe('/v1/sessions?limit=2&cursor=n');
  });

  it('is every session of every page when iterated', async () => {
    const ids: string[] = [];
    for await (const { id } of client.sessions.list()) ids.push(id);
    expect(ids).toEqual(['a', 'b', 'c']);
  });

  it('requests no page that is not reached', async () => {
    for await (const { id } of client.sessions.list()) if (id === 'a') break;
    expect(stub.requests).toHaveLength(1);
  });

  it('rejects when it is awaited or iterated', async () => {
    const list = client.sessions.list({ cursor: 'x' });
    await expect(list).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await list.catch(() => 'caught')).toBe('caught');
  });

  it('requests nothing before it is awaited, and is no unhandled rejection when it never is', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    try {
      client.sessions.list({ cursor: 'x' });
      void client.sessions.retrieve('x');
      await expect(client.sessions.retrieve('x')).rejects.toThrow();
      await new Promise(resolve => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', unhandled);
    }
    expect(unhandled).not.toHaveBeenCalled();
    expect(stub.requests.map(({ url }) => url)).toEqual(['/v1/sessions/x', '/v1/sessions/x']);
  });
});
