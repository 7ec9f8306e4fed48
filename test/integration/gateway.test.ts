import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import WebSocket from 'ws';
import { refOf } from '../../src/core/ids';
import { ECHO_PAGE } from '../support/echo-browser';
import { KEYS_OF_ADMIN_AND_OTHER, startTestApi, type TestApi } from '../support/api';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

const SOON = { timeoutMs: 5_000, everyMs: 10 };

describe('the gateway', () => {
  let api: TestApi;
  const sockets: WebSocket[] = [];
  beforeAll(async () => {
    api = await startTestApi({
      apiKeys: KEYS_OF_ADMIN_AND_OTHER,
    });
  });
  afterAll(() => api.stop());
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.terminate();
    api.worker.launches = 'live';
  });

  const KEY = { 'x-api-key': 'acme-key-1' };
  const open = (url: string | null, headers: Record<string, string> = {}): WebSocket => {
    const socket = new WebSocket(url ?? '', { headers, perMessageDeflate: false });
    // Tests that expect an end wait for `close`; the error before it adds nothing.
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  };
  const attach = async (url: string | null, headers: Record<string, string> = {}): Promise<WebSocket> => {
    const socket = open(url, headers);
    await once(socket, 'open');
    return socket;
  };
  const echo = async (socket: WebSocket, text: string): Promise<string> => {
    const answered = once(socket, 'message');
    socket.send(text);
    const [data] = (await answered) as [Buffer];
    return data.toString();
  };
  /** The refusal of an upgrade: status and problem. */
  const refusal = async (path: string, headers: Record<string, string> = {}) => {
    const { hostname, port } = new URL(api.url);
    const asked = request({
      hostname,
      port,
      path,
      agent: false,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const problem = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    return {
      status: response.statusCode,
      code: problem['code'],
      type: response.headers['content-type'],
      problem,
    };
  };
  const details = async (id: string) =>
    (await api.call('GET', `/v1/sessions/${id}/live`, { headers: KEY })).body;
  const pathOf = (url: string | null): string => {
    const { pathname, search } = new URL(url ?? '');
    return pathname + search;
  };

  it('carries a client to its browser and back, whatever the size of its messages', async () => {
    const session = await api.createLive({}, KEY);
    const socket = await attach(session.websocketUrl);
    expect(await echo(socket, 'hello')).toBe('hello');
    const large = 'x'.repeat(5_000_000);
    expect(await echo(socket, large)).toBe(large);
    expect(api.browser.upgrades.at(-1)).toMatchObject({
      path: api.browser.endpoint.path,
      headers: { host: `127.0.0.1:${api.browser.endpoint.port}` },
    });
    // The browser sees neither the API key nor the token.
    expect(JSON.stringify(api.browser.upgrades.at(-1))).not.toMatch(/token|api-key/);
  });

  it('carries what a client sends together with its upgrade request', async () => {
    const session = await api.createLive({}, KEY);
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    const handshake = [
      `GET ${pathOf(session.websocketUrl)} HTTP/1.1`,
      `Host: ${hostname}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '\r\n',
    ].join('\r\n');
    // A masked text frame `hi` with the mask 0.
    const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    socket.write(Buffer.concat([Buffer.from(handshake), frame]));
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer]);
      if (received.includes(Buffer.from([0x81, 2, 0x68, 0x69]))) break;
    }
    expect(received.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
    socket.destroy();
  });

  it('accepts the key of the tenant instead of a token', async () => {
    const session = await api.createLive({}, KEY);
    const url = (session.websocketUrl ?? '').replace(/\?.*/, '');
    const socket = await attach(url, KEY);
    expect(await echo(socket, 'hello')).toBe('hello');
  });

  it('refuses a client without access, with the same problem as over HTTP', async () => {
    const session = await api.createLive({}, KEY);
    const other = await api.createLive({}, KEY);
    const path = `/v1/sessions/${session.id}/cdp`;
    const foreign = pathOf(other.websocketUrl).replace(other.id, session.id);
    expect(await refusal(path)).toMatchObject({
      status: 401,
      code: 'unauthorized',
      type: 'application/problem+json',
    });
    expect(await refusal(`${path}?token=`)).toMatchObject({ status: 401 });
    expect(await refusal(`${path}?token=acme.AAAA`, KEY)).toMatchObject({ status: 401 });
    expect(await refusal(foreign)).toMatchObject({ status: 401 });
    expect(await refusal(path, { 'x-api-key': 'beta-key-1' })).toMatchObject({
      status: 404,
      code: 'session_not_found',
    });
    expect(await refusal('/v1/sessions/missing/cdp', KEY)).toMatchObject({
      status: 404,
      code: 'session_not_found',
    });
    expect(await refusal('/v1/sessions', KEY)).toMatchObject({ status: 404, code: 'not_found' });
    expect(await refusal('/', { ...KEY, upgrade: 'h2c' })).toMatchObject({ status: 404, code: 'not_found' });
    expect(await refusal(path, { ...KEY, origin: 'https://evil.example' })).toMatchObject({ status: 403 });
    expect(await refusal(path, { ...KEY, host: 'evil.example' })).toMatchObject({ status: 403 });
    const { body } = await api.call('GET', '/metrics', { headers: KEY });
    expect(body['text']).toMatch(/holdfast_cdp_upgrade_failures_total\{code="unauthorized"\} [1-9]/);
  });

  it('never puts a token into an answer', async () => {
    const session = await api.createLive({}, KEY);
    await api.call('DELETE', `/v1/sessions/${session.id}`, { headers: KEY });
    const { problem } = await refusal(pathOf(session.websocketUrl));
    expect(JSON.stringify(problem)).not.toContain('token');
  });

  it('says whether a session is not live yet or not any more', async () => {
    api.worker.launches = 'ignored';
    const { body } = await api.call('POST', '/v1/sessions', { headers: { ...KEY, prefer: 'respond-async' } });
    const path = `/v1/sessions/${String(body['id'])}/cdp`;
    expect(await refusal(path, KEY)).toMatchObject({ status: 409, code: 'session_not_live' });
    await api.call('DELETE', `/v1/sessions/${String(body['id'])}`, { headers: KEY });
    expect(await refusal(path, KEY)).toMatchObject({
      status: 409,
      code: 'session_ended',
      problem: { sessionStatus: 'released', endReason: 'released_by_client' },
    });
  });

  it('answers 502 when the browser cannot be reached', async () => {
    const session = await api.createLive({}, KEY);
    const { endpoint } = api.browser;
    const dead = await api.createLive({}, KEY);
    const ref = refOf('acme', dead.id);
    const { record } = await api.deps.sessions.load(ref);
    const snapshot = record?.snapshot;
    // No program listens on port 1 of loopback.
    const moved = { ...snapshot, context: { ...snapshot?.context, endpoint: { ...endpoint, port: 1 } } };
    await api.deps.redis.hset(`{hf}:s:${ref}`, 'snap', JSON.stringify(moved));
    expect(await refusal(pathOf(dead.websocketUrl))).toMatchObject({
      status: 502,
      code: 'browser_unreachable',
    });
    expect(await api.call('GET', `/v1/sessions/${dead.id}/cdp/json/list`, { headers: KEY })).toMatchObject({
      status: 502,
      body: { code: 'browser_unreachable' },
    });
    const elsewhere = {
      ...moved,
      context: { ...moved.context, endpoint: { ...endpoint, bootId: 'another' } },
    };
    await api.deps.redis.hset(`{hf}:s:${ref}`, 'snap', JSON.stringify(elsewhere));
    expect(await refusal(pathOf(dead.websocketUrl))).toMatchObject({
      status: 502,
      code: 'browser_unreachable',
    });
    expect(await echo(await attach(session.websocketUrl), 'hello')).toBe('hello');
  });

  /** Code and reason of the close frame that ends a connection. */
  const untilClosed = async (socket: WebSocket): Promise<{ code: number; reason: string }> => {
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    return { code, reason: reason.toString() };
  };

  it.each([
    [
      'been released',
      (id: string) => api.call('DELETE', `/v1/sessions/${id}`, { headers: KEY }),
      { code: 1000, reason: 'released_by_client' },
    ],
    [
      'failed',
      (id: string) => api.worker.crash(refOf('acme', id)),
      { code: 4500, reason: 'browser_crashed' },
    ],
  ])(
    'closes every socket of a session within a second after it has %s, and says why',
    async (_how, end, why) => {
      const session = await api.createLive({}, KEY);
      const other = await api.createLive({}, KEY);
      const ours = await Promise.all([1, 2, 3].map(() => attach(session.websocketUrl)));
      const theirs = await attach(other.websocketUrl);
      const closed = Promise.all(ours.map(untilClosed));
      await end(session.id);
      const startedMs = performance.now();
      expect(await closed).toEqual([why, why, why]);
      expect(performance.now() - startedMs).toBeLessThan(scaled(1_000));
      expect(await echo(theirs, 'still here')).toBe('still here');
    },
  );

  it('closes the sockets of a session that times out', async () => {
    const session = await api.createLive({ timeout: 1_000 }, KEY);
    const socket = await attach(session.websocketUrl);
    expect(await untilClosed(socket)).toEqual({ code: 4408, reason: 'session_timeout' });
    const { body } = await api.call('GET', `/v1/sessions/${session.id}`, { headers: KEY });
    expect(body).toMatchObject({ status: 'timed_out', endReason: 'session_timeout' });
    expect(Date.now() - Date.parse(String(body['endedAt']))).toBeLessThan(scaled(1_000));
  });

  it('tells a client the end reason even when its browser is gone before the end is committed', async () => {
    const session = await api.createLive({}, KEY);
    const closed = untilClosed(await attach(session.websocketUrl));
    api.browser.dropClients();
    await api.worker.crash(refOf('acme', session.id));
    expect(await closed).toEqual({ code: 4500, reason: 'browser_crashed' });
  });

  it('tells a client that the way to its browser broke while the session goes on', async () => {
    const session = await api.createLive({}, KEY);
    const closed = untilClosed(await attach(session.websocketUrl));
    api.browser.dropClients();
    expect(await closed).toEqual({ code: 1011, reason: 'browser_unreachable' });
    expect(await echo(await attach(session.websocketUrl), 'hello')).toBe('hello');
  });

  it('closes the sockets of a session whose end gave no notice', async () => {
    const session = await api.createLive({}, KEY);
    const socket = await attach(session.websocketUrl);
    const closed = untilClosed(socket);
    const ref = refOf('acme', session.id);
    // A row that is lost in a rollback of Redis gives no notice. The API notices the reconnect after the rollback.
    await api.deps.redis.del(`{hf}:s:${ref}`);
    await api.redis.cli('client', 'kill', 'type', 'normal');
    expect(await closed).toEqual({ code: 4404, reason: 'session_not_found' });
  });

  it('lists the pages of a browser and no other targets', async () => {
    const session = await api.createLive({}, KEY);
    expect((await details(session.id))['pages']).toEqual([ECHO_PAGE]);
  });

  describe('the HTTP endpoints of DevTools', () => {
    const BEARER = { authorization: 'Bearer acme-key-1' };
    const about = async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(api.url + path, { headers });
      // SAFETY: every answer of these routes is JSON.
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };

    it('give WebSocket URLs with a token, for the browser and for each page', async () => {
      const session = await api.createLive({}, KEY);
      const { pathname, search } = new URL(session.websocketUrl ?? '');
      // Playwright ends the path with a slash.
      const version = await about(`${pathname}/json/version/${search}`);
      expect(version).toEqual({
        status: 200,
        body: { Browser: 'Echo/1.0', webSocketDebuggerUrl: session.websocketUrl },
      });
      const list = await about(`${pathname}/json/list${search}`);
      const { id, title, url } = ECHO_PAGE;
      const pageUrl = (session.websocketUrl ?? '').replace('/cdp?', '/cdp/devtools/page/PAGE1?');
      expect(list.body).toEqual([{ id, title, url, type: 'page', webSocketDebuggerUrl: pageUrl }]);
      expect(await echo(await attach(pageUrl), 'hello')).toBe('hello');
      expect(api.browser.upgrades.at(-1)?.path).toBe('/devtools/page/PAGE1');
      const protocol = await about(`${pathname}/json/protocol${search}`);
      expect(protocol.body).toMatchObject({ domains: [] });
      expect(JSON.stringify([version, list, protocol])).not.toContain(`:${api.browser.endpoint.port}`);
    });

    it.each([KEY, BEARER, { 'steel-api-key': 'acme-key-1' }])(
      'accept a key in a header, and so do their WebSockets: %j',
      async headers => {
        const session = await api.createLive({}, KEY);
        const path = `/v1/sessions/${session.id}/cdp`;
        const { body } = await about(`${path}/json/version`, headers);
        expect(body['webSocketDebuggerUrl']).toBe(session.websocketUrl);
        const bare = (session.websocketUrl ?? '').replace(/\?.*/, '');
        for (const url of [bare, `${bare}/devtools/page/PAGE1`]) {
          expect(await echo(await attach(url, headers), 'hello')).toBe('hello');
        }
      },
    );

    it.each(['version', 'list', 'protocol'])('refuse like the WebSocket: %s', async endpoint => {
      const session = await api.createLive({}, KEY);
      const path = `/v1/sessions/${session.id}/cdp/json/${endpoint}`;
      const other = await api.createLive({}, KEY);
      const { search } = new URL(other.websocketUrl ?? '');
      for (const query of ['', '?token=', '?token=a&token=b', search]) {
        expect(await about(path + query)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
      }
      const unknown = { status: 404, body: { code: 'session_not_found' } };
      expect(await about(path, { 'x-api-key': 'beta-key-1' })).toMatchObject(unknown);
      expect(await about(`/v1/sessions/missing/cdp/json/${endpoint}`, KEY)).toMatchObject(unknown);
      await api.call('DELETE', `/v1/sessions/${session.id}`, { headers: KEY });
      expect(await about(path, KEY)).toMatchObject({
        status: 409,
        body: { code: 'session_ended', sessionStatus: 'released', endReason: 'released_by_client' },
      });
    });

    it('pass no other request on to the browser', async () => {
      const session = await api.createLive({}, KEY);
      const path = `/v1/sessions/${session.id}/cdp`;
      for (const part of ['json/new', 'json/close/PAGE1', 'devtools/browser', 'devtools/page/a%2fb']) {
        expect((await about(`${path}/${part}`, KEY)).status).toBe(404);
        expect(await refusal(`${path}/${part}`, KEY)).toMatchObject({ status: 404, code: 'not_found' });
      }
    });
  });

  it('counts its clients', async () => {
    const session = await api.createLive({}, KEY);
    const [first] = await Promise.all([attach(session.websocketUrl), attach(session.websocketUrl)]);
    await pollUntil(
      'two clients',
      SOON,
      async () => (await details(session.id))['clientsAttached'] === 2 || undefined,
    );
    first.close();
    await pollUntil(
      'one client',
      SOON,
      async () => (await details(session.id))['clientsAttached'] === 1 || undefined,
    );
    await pollUntil('the metric', SOON, async () => {
      const { body } = await api.call('GET', '/metrics', { headers: KEY });
      return String(body['text']).includes('holdfast_cdp_connections 1\n') || undefined;
    });
  });

  it('does not let an active session time out as idle, and lets it once its client is silent', async () => {
    const session = await api.createLive({ idleTimeout: 1_000 }, KEY);
    const socket = await attach(session.websocketUrl);
    const startedMs = performance.now();
    while (performance.now() - startedMs < 2_500) {
      await echo(socket, 'busy');
      await pollUntil(
        'a moment',
        { timeoutMs: 1_000, everyMs: 200 },
        (() => {
          let looks = 0;
          return () => (looks++ > 0 ? true : undefined);
        })(),
      );
    }
    const lastByteMs = Date.now();
    expect((await details(session.id))['lastActivityAt']).not.toBeNull();
    await once(socket, 'close');
    const { body } = await api.call('GET', `/v1/sessions/${session.id}`, { headers: KEY });
    expect(body).toMatchObject({ status: 'timed_out', endReason: 'idle_timeout' });
    expect(Date.parse(String(body['endedAt'])) - lastByteMs).toBeGreaterThan(500);
  });

  it('cancels the connect time-out when a client attaches, even one that sends nothing', async () => {
    const session = await api.createLive({ connectTimeout: 1_000 }, KEY);
    const never = await api.createLive({ connectTimeout: 1_000 }, KEY);
    await attach(session.websocketUrl);
    await pollUntil('the other one to end', SOON, async () => {
      const { body } = await api.call('GET', `/v1/sessions/${never.id}`, { headers: KEY });
      return body['endReason'] === 'connect_timeout' || undefined;
    });
    const { body } = await api.call('GET', `/v1/sessions/${session.id}`, { headers: KEY });
    expect(body['status']).toBe('live');
  });

  it('goes on carrying bytes while Redis is frozen', async () => {
    const session = await api.createLive({}, KEY);
    const socket = await attach(session.websocketUrl);
    await api.redis.kill('SIGSTOP');
    try {
      const startedMs = performance.now();
      for (let i = 0; i < 20; i += 1) expect(await echo(socket, `message ${i}`)).toBe(`message ${i}`);
      expect(performance.now() - startedMs).toBeLessThan(scaled(500));
      expect(await refusal(pathOf(session.websocketUrl))).toMatchObject({
        status: 503,
        code: 'redis_unavailable',
      });
    } finally {
      await api.redis.kill('SIGCONT');
    }
  });

  it('disconnects its clients when it is closed, and closes nothing else', async () => {
    const session = await api.createLive({}, KEY);
    const other = await api.another({});
    const url = (session.websocketUrl ?? '').replace(new URL(api.url).host, new URL(other.url).host);
    const socket = await attach(url);
    const closed = untilClosed(socket);
    const startedMs = performance.now();
    await other.close();
    expect(await closed).toEqual({ code: 1012, reason: 'shutting_down' });
    expect(performance.now() - startedMs).toBeLessThan(scaled(4_000));
    expect(await echo(await attach(session.websocketUrl), 'hello')).toBe('hello');
  });
});
