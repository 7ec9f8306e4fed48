import { once } from 'node:events';
import type WebSocket from 'ws';
import { callApi, KEYS_OF_TWO, startTestApi, type TestApi } from '../support/api';
import { scaled } from '../support/slowdown';
import { open, tryUpgrade } from '../support/upgrade';

const KEY = { 'x-api-key': 'acme-key-1' };

describe('a connect token that is rotated', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({
      apiKeys: KEYS_OF_TWO,
    });
  });
  afterAll(() => api.stop());
  const rotate = async (id: string) => api.call('POST', `/v1/sessions/${id}/rotate-token`, { headers: KEY });
  const at = (url: string, websocketUrl: string): string => {
    const { host } = new URL(url);
    return websocketUrl.replace(/^ws:\/\/[^/]+/, `ws://${host}`);
  };

  it('is refused by every process, and what it has opened is closed within five seconds', async () => {
    const second = await api.another({});
    const session = await api.createLive({}, KEY);
    const before = String(session.websocketUrl);
    const sockets: WebSocket[] = [];
    for (const url of [api.url, second.url]) sockets.push(await open(at(url, before)));
    const answer = await tryUpgrade(before.replace(/\?.*/, ''), KEY);
    if (!('socket' in answer)) throw new Error(`the key was refused: ${answer.status}`);
    const startedMs = performance.now();
    const closes = sockets.map(async socket => ((await once(socket, 'close')) as [number])[0]);
    const rotated = await rotate(session.id);
    expect(rotated.status).toBe(200);
    expect(await Promise.all(closes)).toEqual([4_401, 4_401]);
    expect(performance.now() - startedMs).toBeLessThan(scaled(5_000));
    // A client with a key has not come with the token, and stays.
    expect(answer.socket.readyState).toBe(answer.socket.OPEN);
    answer.socket.terminate();
    for (const url of [api.url, second.url]) {
      expect(await tryUpgrade(at(url, before))).toEqual({ status: 401, code: 'unauthorized' });
      const devTools = new URL(at(url, before).replace(/^ws/, 'http').replace('/cdp?', '/cdp/json/version?'));
      const { status } = await callApi(url, 'GET', devTools.pathname + devTools.search);
      expect(status).toBe(401);
    }
    const after = String(rotated.body['websocketUrl']);
    expect(after).not.toBe(before);
    const read = await api.call('GET', `/v1/sessions/${session.id}`, { headers: KEY });
    expect(read.body['websocketUrl']).toBe(after);
    expect(read.body['viewerUrl']).toBe(session.viewerUrl);
    for (const url of [api.url, second.url]) (await open(at(url, after))).terminate();
  });

  it('cannot be made from the one before', async () => {
    const session = await api.createLive({}, KEY);
    const before = String(session.websocketUrl);
    await rotate(session.id);
    for (const forged of ['acme.1.', 'acme.0.', 'acme.01.', 'acme.2.']) {
      const answer = await tryUpgrade(before.replace('acme.', forged));
      expect([forged, 'status' in answer ? answer.status : 101]).toEqual([forged, 401]);
    }
  });

  it('stays valid through every other change, and ends with its session', async () => {
    const session = await api.createLive({}, KEY);
    const path = `/v1/sessions/${session.id}`;
    const { body } = await rotate(session.id);
    await api.call('PATCH', path, { headers: KEY, body: { name: 'renamed' } });
    const url = String(body['websocketUrl']);
    (await open(url)).terminate();
    await api.call('DELETE', path, { headers: KEY });
    expect(await tryUpgrade(url)).toEqual({ status: 409, code: 'session_ended' });
    expect((await rotate(session.id)).body['code']).toBe('session_ended');
  });

  it('is rotated for one that exists, by its tenant', async () => {
    const session = await api.createLive({}, KEY);
    expect((await rotate('nobody')).body['code']).toBe('session_not_found');
    const headers = { 'x-api-key': 'beta-key-1' };
    const foreign = await api.call('POST', `/v1/sessions/${session.id}/rotate-token`, { headers });
    expect(foreign.body['code']).toBe('session_not_found');
    (await open(String(session.websocketUrl))).terminate();
  });

  it('is the one of dialects, too', async () => {
    const headers = { 'steel-api-key': 'acme-key-1' };
    const made = await api.call('POST', '/steel/v1/sessions', { headers, body: {} });
    const before = String(made.body['websocketUrl']);
    await rotate(String(made.body['id']));
    expect(await tryUpgrade(before)).toMatchObject({ status: 401 });
    const read = await api.call('GET', `/steel/v1/sessions/${String(made.body['id'])}`, { headers });
    (await open(String(read.body['websocketUrl']))).terminate();
  });
});
