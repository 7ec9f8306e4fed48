import { connectToken } from '../../src/contract/connect-token';
import { viewerToken } from '../../src/contract/viewer-token';
import { refOf } from '../../src/core/ids';
import { startTestApi, type Answer, type TestApi } from '../support/api';
import { tryUpgrade } from '../support/upgrade';

const A = { 'x-api-key': 'key-a' };
const B = { 'x-api-key': 'key-b' };
const HTML = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

describe('the viewer', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({
      apiKeys: [
        { tenant: 'a', key: 'key-a' },
        { tenant: 'b', key: 'key-b' },
      ],
    });
  });
  afterAll(() => api.stop());

  /* The path and query of a viewer URL, or of what belongs to it. */
  const at = (viewerUrl: string, part = ''): string => {
    const { pathname, search } = new URL(viewerUrl);
    return pathname + part + search;
  };
  const view = (viewerUrl: string, part = '', headers: Record<string, string> = {}): Promise<Answer> =>
    api.call('GET', at(viewerUrl, part), { headers });

  it('is a page that opens without an API key, with further parameters too, and runs only its own script', async () => {
    const { viewerUrl } = await api.createLive({}, A);
    for (const url of [viewerUrl, `${viewerUrl}&theme=dark&interactive=false`]) {
      const { status, headers, body } = await view(url, '', HTML);
      expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[\w+/=]+'; script-src 'sha256-[\w+/=]+'; connect-src 'self'; img-src blob:; base-uri 'none'; form-action 'none'$/,
      );
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-frame-options')).toBeNull();
      expect(String(body['text'])).not.toMatch(/(?:src|href)=/);
    }
  });

  it('has the same URL in every answer about the session, also after its end', async () => {
    const { id, viewerUrl } = await api.createLive({}, A);
    const { body: live } = await api.call('GET', `/v1/sessions/${id}/live`, { headers: A });
    expect(live).toMatchObject({ viewerUrl, sessionViewerUrl: viewerUrl });
    await api.call('DELETE', `/v1/sessions/${id}`, { headers: A });
    const { body: ended } = await api.call('GET', `/v1/sessions/${id}`, { headers: A });
    expect(ended).toMatchObject({ status: 'released', viewerUrl });
    expect((await view(viewerUrl)).status).toBe(200);
  });

  it('tells what a session is doing, from its creation to how it ended', async () => {
    api.worker.launches = 'ignored';
    const { body: created } = await api.call('POST', '/v1/sessions', {
      body: { name: 'waits' },
      headers: { ...A, prefer: 'respond-async' },
    });
    expect((await view(String(created['viewerUrl']), '/state')).body).toMatchObject({
      ...{ name: 'waits', status: 'created', timeLeft: null, queuePosition: 1, pages: [], pagesKnown: true },
    });
    await api.call('DELETE', `/v1/sessions/${String(created['id'])}`, { headers: A });
    api.worker.launches = 'live';
    const { id, viewerUrl } = await api.createLive({ timeout: 90_000, idleTimeout: 60_000 }, A);
    const { body: live } = await view(viewerUrl, '/state');
    expect(live).toMatchObject({
      ...{ id, status: 'live', endReason: null, endedAt: null, pagesKnown: true },
      pages: [{ id: 'PAGE1', url: 'https://example.test/', title: 'Example' }],
    });
    const { timeLeft, idleTimeLeft } = live as { timeLeft: number; idleTimeLeft: number };
    expect([timeLeft > 60_000 && timeLeft <= 90_000, idleTimeLeft > 0 && idleTimeLeft <= 60_000]).toEqual([
      true,
      true,
    ]);
    await api.call('DELETE', `/v1/sessions/${id}`, { headers: A });
    expect((await view(viewerUrl, '/state')).body).toMatchObject({
      ...{ status: 'released', endReason: 'released_by_client', timeLeft: null, idleTimeLeft: null },
      pages: [],
    });
    expect(await view(viewerUrl, '/picture')).toMatchObject({
      status: 409,
      body: { code: 'session_ended', endReason: 'released_by_client' },
    });
  });

  it('is no activity of the session', async () => {
    const { id, viewerUrl } = await api.createLive({ idleTimeout: 60_000 }, A);
    await view(viewerUrl);
    await view(viewerUrl, '/state');
    // The stand-in browser gives no picture, but it is asked.
    expect((await view(viewerUrl, '/picture')).status).toBe(502);
    const { body } = await api.call('GET', `/v1/sessions/${id}/live`, { headers: A });
    expect(body['lastActivityAt']).toBeNull();
  });

  it('has a token that opens nothing else, and is opened by no other one', async () => {
    const { id, viewerUrl, websocketUrl } = await api.createLive({}, A);
    const other = await api.createLive({}, A);
    const token = new URL(viewerUrl).searchParams.get('token') ?? '';
    const socketUrl = new URL(websocketUrl ?? '');
    const ofConnect = socketUrl.searchParams.get('token') ?? '';
    socketUrl.searchParams.set('token', token);
    expect(await tryUpgrade(socketUrl.href)).toEqual({ status: 401, code: 'unauthorized' });
    const devTools = await api.call('GET', `/v1/sessions/${id}/cdp/json/list?token=${token}`);
    expect(devTools.status).toBe(401);
    expect((await api.call('GET', `/v1/sessions/${id}?token=${token}`)).status).toBe(401);

    const { secret } = api.deps;
    const wrong = [
      ofConnect,
      connectToken(secret, refOf('a', id), 0),
      `b${token.slice(1)}`,
      viewerToken(secret, refOf('a', other.id)),
      `${token.slice(0, -2)}AA`,
      '',
    ];
    for (const given of wrong)
      for (const part of ['', '/state', '/picture'])
        expect(await api.call('GET', `/v1/sessions/${id}/view${part}?token=${given}`)).toMatchObject({
          status: 401,
          body: { code: 'unauthorized' },
        });
    for (const part of ['', '/state', '/picture'])
      expect((await api.call('GET', `/v1/sessions/${id}/view${part}`, { headers: A })).status).toBe(401);
  });

  it('tells people and programs each in their way that a link is not valid', async () => {
    const path = '/v1/sessions/nobody/view?token=a.b';
    const { status, headers, body } = await api.call('GET', path, { headers: HTML });
    expect([status, headers.get('content-type')]).toEqual([401, 'text/html; charset=utf-8']);
    expect(String(body['text'])).toContain('This link is not valid.');
    expect(await api.call('GET', path)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  });

  it('answers a session that is no longer known with a code', async () => {
    const token = viewerToken(api.deps.secret, refOf('b', 'gone'));
    for (const part of ['/state', '/picture'])
      expect(await api.call('GET', `/v1/sessions/gone/view${part}?token=${token}`)).toMatchObject({
        status: 404,
        body: { code: 'session_not_found' },
      });
    expect((await api.call('GET', '/v1/sessions/gone', { headers: B })).status).toBe(404);
  });

  it('refuses a page that cannot be one', async () => {
    const { viewerUrl } = await api.createLive({}, A);
    for (const wrong of ['pageId=..%2F', 'pageId=A&pageId=B'])
      expect(await view(`${viewerUrl}&${wrong}`, '/picture')).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', errors: [{ pointer: 'query/pageId' }] },
      });
  });
});
