import { Browser } from '../../../src/client/browser';
import type { ServiceEvent } from '../../../src/client/event-stream';
import { startStubService, type Script, type StubService } from '../../support/stub-service';

const SSE = { 'content-type': 'text/event-stream' };

const transition = (id: string, sessionId: string): string =>
  `event: transition\nid: ${id}\ndata: ${JSON.stringify({ sessionId, revision: 1, event: 'created', from: null, to: 'created', endReason: null })}\n\n`;

describe('the stream of events', () => {
  let stub: StubService | null = null;
  afterEach(async () => {
    await stub?.stop();
    stub = null;
  });

  const start = async (script: Script): Promise<Browser> => {
    stub = await startStubService(script);
    return new Browser({ baseUrl: stub.url, apiKey: 'k' });
  };
  const take = async (events: AsyncIterable<ServiceEvent>, count: number): Promise<ServiceEvent[]> => {
    const taken: ServiceEvent[] = [];
    for await (const event of events) if (taken.push(event) === count) break;
    return taken;
  };

  it('goes on after the last event or keep-alive when the connection ends', async () => {
    const client = await start((_request, n) => ({
      status: 200,
      headers: SSE,
      body:
        n === 0
          ? `retry: 2000\n\n${transition('1-0', 'a')}: keep-alive\nid: 7-0\n\n`
          : transition('8-0', 'b'),
    }));
    const events = await take(client.events({ after: '0-5' }), 2);
    expect(events).toMatchObject([
      { type: 'transition', id: '1-0', sessionId: 'a', event: 'created', from: null, endReason: null },
      { type: 'transition', id: '8-0', sessionId: 'b' },
    ]);
    expect(stub?.requests.map(({ headers }) => headers['last-event-id'])).toEqual(['0-5', '7-0']);
    expect(stub?.requests[0]?.headers).toMatchObject({
      accept: 'text/event-stream',
      authorization: 'Bearer k',
    });
  });

  it('gives changes of contexts, and leaves out what a later version may send', async () => {
    const client = await start(() => ({
      status: 200,
      headers: SSE,
      body:
        `event: context\nid: 1-0\ndata: {"contextId":"ctx_1","change":"saved","version":2,"isCurrent":false}\n\n` +
        `event: unheard\nid: 2-0\ndata: {}\n\n${transition('3-0', 'a')}`,
    }));
    expect(await take(client.events({ after: '0-5' }), 2)).toMatchObject([
      { type: 'context', id: '1-0', contextId: 'ctx_1', change: 'saved', version: 2, isCurrent: false },
      { type: 'transition', id: '3-0' },
    ]);
  });

  it('gives a reset when a connection is lost before it has sent an id', async () => {
    const client = await start((_request, n) =>
      n === 0 ? null : { status: 200, headers: SSE, body: transition('2-0', 'a') },
    );
    expect(await take(client.events(), 2)).toMatchObject([
      { type: 'reset', id: '' },
      { type: 'transition', id: '2-0' },
    ]);
  });

  it('rejects at once when it is refused, and after its retries when there is no answer', async () => {
    const refusing = await start(() => ({
      status: 401,
      body: { code: 'unauthorized', message: 'no', retryable: false },
    }));
    await expect(take(refusing.events(), 1)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(stub?.requests).toHaveLength(1);
    await stub?.stop();
    const breaking = await start(() => null);
    await expect(take(breaking.events({ after: '1-0', maxRetries: 1 }), 1)).rejects.toMatchObject({
      code: 'connection_failed',
    });
    expect(stub?.requests).toHaveLength(2);
  });

  it('ends with the reason of the signal', async () => {
    const client = await start(() => 'silence');
    const abort = new AbortController();
    const taking = take(client.events({ signal: abort.signal }), 1);
    abort.abort(new Error('enough'));
    await expect(taking).rejects.toThrow('enough');
  });
});

describe('the fleet', () => {
  it('is listed, drained and undrained, and a worker that is gone is null', async () => {
    const worker = { id: 'w/1', used: 0 };
    const stub = await startStubService(({ url }) => {
      if (url === '/v1/workers') return { status: 200, body: { workers: [worker] } };
      return url.endsWith('/undrain')
        ? { status: 204 }
        : { status: 200, body: { ...worker, draining: true } };
    });
    try {
      const { workers } = new Browser({ baseUrl: stub.url });
      expect(await workers.list()).toEqual([worker]);
      expect(await workers.drain('w/1')).toEqual({ ...worker, draining: true });
      expect(await workers.undrain('w/1')).toBeNull();
      expect(stub.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
        'GET /v1/workers',
        'POST /v1/workers/w%2F1/drain',
        'POST /v1/workers/w%2F1/undrain',
      ]);
    } finally {
      await stub.stop();
    }
  });

  it('gives its capacity, its usage and its metrics', async () => {
    const stub = await startStubService(({ url }) =>
      url === '/metrics' ? { status: 200, body: 'holdfast_up 1\n' } : { status: 200, body: { url } },
    );
    try {
      const client = new Browser({ baseUrl: stub.url });
      expect(await client.capacity()).toEqual({ url: '/v1/capacity' });
      const usage = await client.usage({ from: '2030-01-01', to: '2030-01-31' });
      expect(usage).toEqual({ url: '/v1/usage?from=2030-01-01&to=2030-01-31' });
      expect(await client.metrics()).toBe('holdfast_up 1\n');
    } finally {
      await stub.stop();
    }
  });
});
