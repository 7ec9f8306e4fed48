import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { SessionData } from '../../../src/client/session';
import { startTestApi, type TestApi } from '../../support/api';
import { pollUntil } from '../../support/poll-until';
import { scaled } from '../../support/slowdown';

/* Sessions that begin with a connection end ten seconds after their last client has gone. */

let api: TestApi;
const sockets: WebSocket[] = [];
beforeAll(async () => (api = await startTestApi({ apiKeys: [{ tenant: 'a', key: 'key-a' }] })));
afterAll(() => api.stop());
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await api.call('POST', '/v1/sessions/release', { headers: KEY });
});

const KEY = { 'x-api-key': 'key-a' };

async function connect(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url.replace('http', 'ws'));
  sockets.push(socket);
  await once(socket, 'open');
  return socket;
}

const capabilities = encodeURIComponent(JSON.stringify({ 'LT:Options': { accessKey: 'key-a' } }));
const DOORS = {
  'TestMu AI': () => `${api.url}/testmu/puppeteer?capabilities=${capabilities}`,
  Notte: () => `${api.url}/notte/sessions/connect?token=key-a`,
};

async function live(): Promise<SessionData[]> {
  const { body } = await api.call('GET', '/v1/sessions?status=live', { headers: KEY });
  // SAFETY: a 200 of the list carries sessions.
  return body['sessions'] as SessionData[];
}

describe.each(Object.entries(DOORS))('a session of a connection to %s', (_name, door) => {
  it('ends once, ten seconds after its client has gone, and no other with it', async () => {
    const leaving = await connect(door());
    const [session] = await live();
    const staying = await connect(door());
    leaving.terminate();
    const leftMs = Date.now();
    const ended = await pollUntil('the end', { timeoutMs: 15_000, everyMs: 50 }, async () => {
      const { body } = await api.call('GET', `/v1/sessions/${session?.id}`, { headers: KEY });
      return body['endedAt'] === null ? undefined : body;
    });
    expect(ended).toMatchObject({ status: 'released', endReason: 'client_disconnected', error: null });
    const afterMs = Date.parse(String(ended['endedAt'])) - leftMs;
    expect(afterMs).toBeGreaterThan(9_500);
    expect(afterMs).toBeLessThan(scaled(12_000));
    expect(staying.readyState).toBe(WebSocket.OPEN);
    expect(await live()).toHaveLength(1);
  });

  it('goes on while a client is connected at its own URL', async () => {
    const creator = await connect(door());
    const [session] = await live();
    const other = await connect(session?.websocketUrl ?? '');
    creator.terminate();
    const leftMs = Date.now();
    await pollUntil('more than ten seconds', { timeoutMs: 15_000, everyMs: 100 }, () =>
      Date.now() - leftMs > 12_500 ? true : undefined,
    );
    expect(other.readyState).toBe(WebSocket.OPEN);
    expect(await live()).toHaveLength(1);
  });
});
