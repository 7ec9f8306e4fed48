import { join } from 'node:path';
import { Browser } from '../../../src/client/browser';
import { loadLibrary } from '../../../src/client/load-library';
import type { PuppeteerLibrary } from '../../../src/client/puppeteer-connector';
import { startStubService, type Script, type StubService } from '../../support/stub-service';
import { pollUntil } from '../../support/poll-until';

const view = (status: string, further: object = {}): { status: number; body: object } => ({
  status: 200,
  body: { id: 's1', status, endReason: null, revision: 1, error: null, websocketUrl: null, ...further },
});
const LIVE = view('live', { websocketUrl: 'ws://stub/s1', revision: 2 });

describe('connecting', () => {
  let stub: StubService;
  const connect = jest.fn();
  const disconnect = jest.fn(async () => Promise.resolve());
  const start = async (script: Script): Promise<Browser> => {
    stub = await startStubService(script);
    return new Browser({ baseUrl: stub.url, puppeteer: { connect } as unknown as PuppeteerLibrary });
  };
  beforeEach(() => {
    connect.mockReset().mockResolvedValue({ disconnect });
    disconnect.mockClear();
  });
  afterEach(() => stub.stop());

  it('takes the URL that a session has, without a request', async () => {
    const client = await start(() => null);
    await client.puppeteer.connect({ id: 's1', websocketUrl: 'ws://stub/s1' } as { id: string });
    expect(connect).toHaveBeenCalledWith({ defaultViewport: null, browserWSEndpoint: 'ws://stub/s1' });
    expect(stub.requests).toEqual([]);
  });

  it('needs only an id, and waits until the session is live', async () => {
    const client = await start((_request, n) => (n === 0 ? view('created') : LIVE));
    await client.puppeteer.connect('s1', { protocolTimeout: 9 });
    expect(connect).toHaveBeenCalledWith(
      expect.objectContaining({ browserWSEndpoint: 'ws://stub/s1', protocolTimeout: 9 }),
    );
    expect(stub.requests[1]?.headers).toMatchObject({ 'if-none-match': '"1"', prefer: 'wait=30' });
  });

  it('rejects with the end reason of the session instead of the library’s error', async () => {
    const refused = new Error('Unexpected server response: 409');
    connect.mockRejectedValue(refused);
    const client = await start(() => view('failed', { endReason: 'browser_crashed' }));
    const asked = client.puppeteer.connect({ id: 's1', websocketUrl: 'ws://stub/s1' } as { id: string });
    await expect(asked).rejects.toMatchObject({
      code: 'session_ended',
      sessionStatus: 'failed',
      endReason: 'browser_crashed',
      cause: refused,
    });
  });

  it('rejects with the library’s error while the session is live', async () => {
    const broken = new Error('socket hang up');
    connect.mockRejectedValue(broken);
    const client = await start(() => LIVE);
    await expect(client.puppeteer.connect('s1')).rejects.toBe(broken);
  });

  it('closes a connection that comes after the caller has given up', async () => {
    const abort = new AbortController();
    let arrive = (_browser: unknown): void => undefined;
    connect.mockReturnValue(new Promise(resolve => (arrive = resolve)));
    const client = await start(() => LIVE);
    const asked = client.puppeteer.connect('s1', { signal: abort.signal });
    await pollUntil('the call of the library', { timeoutMs: 5_000, everyMs: 5 }, () =>
      connect.mock.calls.length > 0 ? true : undefined,
    );
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    arrive({ disconnect });
    await new Promise(resolve => setImmediate(resolve));
    expect(disconnect).toHaveBeenCalledTimes(1);
  });
});

describe('a library', () => {
  const pick = (exports: Readonly<Record<string, unknown>>): unknown => exports['join'];

  it('is the first that is installed', async () => {
    expect(await loadLibrary(['no-such-package-of-any-kind', 'node:path'], pick)).toBe(join);
  });

  it('is named in the error when none is installed', async () => {
    await expect(loadLibrary(['no-such-package-of-any-kind'], pick)).rejects.toMatchObject({
      code: 'library_missing',
      message: expect.stringContaining('npm install no-such-package-of-any-kind'),
    });
  });
});
