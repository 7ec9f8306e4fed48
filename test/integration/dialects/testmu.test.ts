import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { SessionData } from '../../../src/client/session';
import { startTestApi, type Answer, type TestApi } from '../../support/api';
import { pollUntil } from '../../support/poll-until';

let api: TestApi;
const sockets: WebSocket[] = [];
beforeAll(
  async () =>
    (api = await startTestApi({
      apiKeys: [
        { tenant: 'a', key: 'key-a' },
        { tenant: 'b', key: 'key-b' },
      ],
    })),
);
afterAll(() => api.stop());
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  api.worker.launches = 'live';
  for (const key of ['key-a', 'key-b'])
    await api.call('POST', '/v1/sessions/release', { headers: { 'x-api-key': key } });
});

/* What the SDK sends unless its user says more. */
const OPTIONS = {
  platformName: 'Windows 10',
  project: 'browser-cloud',
  w3c: true,
  plugin: 'node-js-puppeteer',
  idleTimeout: 900,
};
const capabilitiesWith = (options: object = {}, top: object = {}): object => ({
  ...{ browserName: 'Chrome', browserVersion: 'latest' },
  'LT:Options': { ...OPTIONS, ...options },
  ...top,
});
const basic = (key: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`someone:${key}`).toString('base64')}`,
});

function open(capabilities: unknown, headers = basic('key-a'), path = '/testmu/puppeteer'): WebSocket {
  const query = `?capabilities=${encodeURIComponent(JSON.stringify(capabilities))}`;
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}${path}${query}`, { headers });
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

async function connect(capabilities: unknown, headers = basic('key-a')): Promise<WebSocket> {
  const socket = open(capabilities, headers);
  await once(socket, 'open');
  return socket;
}

async function refusal(
  socket: WebSocket,
): Promise<{ status: number | undefined; body: unknown; headers: object }> {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, body: JSON.parse(text) as unknown, headers: response.headers };
}

async function sessionsOf(key: string, query = ''): Promise<SessionData[]> {
  const { body } = await api.call('GET', `/v1/sessions?limit=100${query}`, { headers: { 'x-api-key': key } });
  // SAFETY: a 200 of the list carries sessions.
  return body['sessions'] as SessionData[];
}

const live = (key = 'key-a'): Promise<SessionData[]> => sessionsOf(key, '&status=live');

/* An upgrade request as bytes. */
function rawUpgrade(): Socket {
  const { hostname, port } = new URL(api.url);
  const socket = createConnection(Number(port), hostname);
  const query = encodeURIComponent(JSON.stringify(capabilitiesWith({ accessKey: 'key-a' })));
  socket.write(
    [
      `GET /testmu/puppeteer?capabilities=${query} HTTP/1.1`,
      `Host: ${hostname}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '\r\n',
    ].join('\r\n'),
  );
  return socket;
}

describe("TestMu AI's WebSocket", () => {
  it('is a session for each connection, translated from its capabilities', async () => {
    const options = {
      ...{ name: 'checkout', build: 'build 7', resolution: '1280x720', headless: false },
      ...{ timeout: 60_000, idleTimeout: 120, region: 'eu', video: true },
      proxyUrl: 'http://user:s3cret@proxy.example:3128',
    };
    const socket = await connect(capabilitiesWith(options));
    const [data] = (await (socket.send('hello'), once(socket, 'message'))) as [Buffer];
    expect(data.toString()).toBe('hello');
    const [session, ...others] = await live();
    expect(others).toEqual([]);
    expect(session).toMatchObject({
      ...{ name: 'checkout', labels: { build: 'build 7', project: 'browser-cloud' } },
      ...{ timeout: 60_000, idleTimeout: 120_000, headless: false },
      dimensions: { width: 1280, height: 720 },
      proxy: { server: 'http://proxy.example:3128' },
    });
  });

  it('has the time-outs that its documentation promises where nothing is said', async () => {
    await connect({});
    expect(await live()).toMatchObject([{ timeout: 300_000, idleTimeout: 900_000, labels: {}, name: null }]);
  });

  it.each([
    ['the password of HTTP Basic', capabilitiesWith(), basic('key-a')],
    ['the capabilities of the SDK', capabilitiesWith({ username: 'u', accessKey: 'key-a' }), basic('')],
    ['the capabilities of its documentation', capabilitiesWith({ user: 'u', accessKey: 'key-a' }), {}],
    ['a header of this service', capabilitiesWith(), { 'x-api-key': 'key-a' }],
  ])('takes the key from %s', async (_where, capabilities, headers) => {
    await connect(capabilities, headers);
    expect(await live('key-a')).toHaveLength(1);
    expect(await live('key-b')).toHaveLength(0);
  });

  it.each([
    ['none', capabilitiesWith(), {}],
    ['a wrong one', capabilitiesWith({ accessKey: 'key-c' }), {}],
    ['a wrong one beside a right one', capabilitiesWith({ accessKey: 'key-a' }), basic('key-c')],
    ['one that is no text', capabilitiesWith({ accessKey: { $ne: 1 } }), {}],
  ])('refuses a connection whose key is %s', async (_what, capabilities, headers) => {
    const answer = await refusal(open(capabilities, headers));
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'www-authenticate': expect.stringContaining('Basic') as unknown,
    });
  });

  it.each<[object, string, RegExp]>([
    [
      capabilitiesWith({ resolution: 'wide' }),
      'invalid_request',
      /LT:Options\/resolution: must be WIDTHxHEIGHT/,
    ],
    [capabilitiesWith({ resolution: '10x10' }), 'invalid_request', /dimensions\/width/],
    [capabilitiesWith({ timeout: 10 }), 'invalid_request', /timeout: must be from 1000 .* milliseconds/],
    [
      capabilitiesWith({ idleTimeout: 0 }),
      'invalid_request',
      /idleTimeout: must be from 1 to \d+: .* seconds/,
    ],
    [capabilitiesWith({ idleTimeout: '900' }), 'invalid_request', /idleTimeout/],
    [capabilitiesWith({ headless: 'yes' }), 'invalid_request', /headless/],
    [capabilitiesWith({ proxy: 'ftp://p' }), 'invalid_request', /proxy/],
    [{ 'LT:Options': [] }, 'invalid_request', /LT:Options/],
    [{ 'LT:Options': 'x' }, 'invalid_request', /LT:Options/],
    [capabilitiesWith({}, { browserName: 'pw-firefox' }), 'not_supported', /browserName/],
    [capabilitiesWith({}, { proxy: { proxyType: 'manual' } }), 'not_supported', /capabilities\/proxy/],
    [capabilitiesWith({ tunnel: true }), 'not_supported', /tunnel/],
    [capabilitiesWith({ geoLocation: 'DE' }), 'not_supported', /geoLocation/],
    [capabilitiesWith({ 'lambda:loadExtension': ['e'] }), 'not_supported', /loadExtension/],
    [[], 'invalid_request', /must be a JSON object/],
    [{ toString: 1, __proto__: null, 'LT:Options': { timeout: -1 } }, 'invalid_request', /timeout/],
  ])('refuses %j with %s', async (capabilities, code, message) => {
    const { status, body } = await refusal(open(capabilities));
    expect(status).toBe(422);
    expect(body).toMatchObject({ code, message: expect.stringMatching(message) as unknown });
    expect(await sessionsOf('key-a', '&status=live,created')).toEqual([]);
  });

  it.each([
    ['no capabilities', ''],
    ['capabilities twice', '?capabilities={}&capabilities={}'],
    ['empty ones', '?capabilities='],
    ['broken JSON, which may contain a key', '?capabilities={%22accessKey%22:%22s3cret'],
    ['null', '?capabilities=null'],
    ['a broken encoding', '?capabilities=%E0%A4%A'],
  ])('refuses a connection with %s, and does not repeat it', async (_what, query) => {
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}/testmu/puppeteer${query}`, {
      headers: basic('key-a'),
    });
    socket.on('error', () => undefined);
    const { status, body } = await refusal(socket);
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'invalid_request' });
    expect(JSON.stringify(body)).not.toContain('s3cret');
  });

  it('takes options that ask for nothing, unknown ones, and URLs of several kilobytes', async () => {
    const nothing = { tunnel: false, geoLocation: '', 'lambda:loadExtension': [], proxy: null, name: null };
    await connect(capabilitiesWith({ ...nothing, build: 7, custom: 'x'.repeat(9_000) }));
    expect(await live()).toMatchObject([{ name: null, labels: { build: '7' } }]);
  });

  it('cuts names that are too long here, and takes what is not printable out of them', async () => {
    const long = `a\n${'😀'.repeat(100)}`;
    await connect(capabilitiesWith({ name: long, build: long }));
    const [session] = await live();
    expect(session?.name).toBe(`a ${'😀'.repeat(63)}`);
    expect(session?.labels['build']).toBe(session?.name);
  });

  it.each(['/testmu/playwright', '/testmu/selenium'])('refuses %s, with what to use instead', async path => {
    const { status, body } = await refusal(open(capabilitiesWith(), basic('key-a'), path));
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'not_supported' });
  });

  it('answers other paths in its own form', async () => {
    const { status, headers, body } = await refusal(open({}, basic('key-a'), '/testmu/nothing'));
    expect({ status, body }).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(headers).toMatchObject({ 'content-type': 'application/json' });
  });

  it('says why a session did not become live', async () => {
    api.worker.launches = 'failed';
    const { status, body } = await refusal(open(capabilitiesWith()));
    expect({ status, body }).toMatchObject({ status: 502, body: { code: 'launch_failed' } });
  });

  it('gives fifty connections at once a session each', async () => {
    const all = Array.from({ length: 50 }, (_, i) => connect(capabilitiesWith({ name: `n${i}` })));
    await Promise.all(all);
    const names = (await live()).map(({ name }) => name);
    expect(new Set(names).size).toBe(50);
  });

  it('carries what a client has sent before its session was live', async () => {
    const socket = rawUpgrade();
    await pollUntil('the session', { timeoutMs: 5_000, everyMs: 1 }, async () =>
      (await sessionsOf('key-a', '&status=created,live')).length === 1 ? true : undefined,
    );
    // A masked text frame `hi` with the mask 0.
    socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer]);
      if (received.includes(Buffer.from([0x81, 2, 0x68, 0x69]))) break;
    }
    expect(received.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
    socket.destroy();
  });

  it.each(['resets', 'closes'] as const)(
    'ends a session at once whose client %s before it is live',
    async how => {
      api.worker.launches = 'ignored';
      const socket = rawUpgrade();
      await pollUntil('the session', { timeoutMs: 5_000, everyMs: 5 }, async () =>
        (await sessionsOf('key-a', '&status=created')).length === 1 ? true : undefined,
      );
      if (how === 'closes') socket.end();
      else socket.resetAndDestroy();
      const ended = await pollUntil('the end', { timeoutMs: 3_000, everyMs: 5 }, async () => {
        const [session] = await sessionsOf('key-a');
        return typeof session?.endedAt === 'string' ? session : undefined;
      });
      expect(ended).toMatchObject({ status: 'released', endReason: 'client_disconnected', liveAt: null });
    },
  );
});

describe("TestMu AI's session list", () => {
  const list = (key: string, query = '?limit=1'): Promise<Answer> =>
    api.call('GET', `/testmu/automation/api/v1/sessions${query}`, { headers: basic(key) });

  it('begins with the session that has just been connected to', async () => {
    await connect(capabilitiesWith({ name: 'first' }));
    await connect(capabilitiesWith({ name: 'second', build: 'b1' }));
    const { status, body } = await list('key-a');
    const [second] = (await live()).filter(({ name }) => name === 'second');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        data: [{ test_id: second?.id, session_id: second?.id, build_id: 'b1', status_ind: 'running' }],
        status: 'success',
      },
    });
    expect(body['data']).toHaveLength(1);
  });

  it('shows the sessions of its key alone', async () => {
    await connect(capabilitiesWith(), basic('key-b'));
    const other = new Set((await live('key-b')).map(({ id }) => id));
    const { body } = await list('key-a', '?limit=100');
    const shown = body['data'] as { test_id: string }[];
    expect(shown.filter(({ test_id }) => other.has(test_id))).toEqual([]);
  });

  it.each([
    ['?limit=x', 422, 'invalid_request'],
    ['?limit=1&limit=2', 422, 'invalid_request'],
    ['?offset=10', 422, 'not_supported'],
  ])('answers %s with %i %s', async (query, status, code) => {
    expect(await list('key-a', query)).toMatchObject({ status, body: { code } });
  });

  it.each([
    ['GET', '/testmu/automation/api/v1/sessions', {}, 401, 'unauthorized'],
    ['POST', '/testmu/automation/api/v1/files/extensions', basic('key-a'), 422, 'not_supported'],
    ['POST', '/testmu/wd/hub/session', basic('key-a'), 422, 'not_supported'],
    ['GET', '/testmu/puppeteer?capabilities={}', {}, 426, 'upgrade_required'],
    ['GET', '/testmu/playwright', {}, 422, 'not_supported'],
    ['GET', '/testmu/v1/sessions', basic('key-a'), 404, 'not_found'],
  ])('answers %s %s in its own form', async (method, path, headers, status, code) => {
    const answer = await api.call(method, path, { headers });
    expect(answer).toMatchObject({ status, body: { code } });
    expect(answer.headers.get('content-type')).toContain('application/json');
  });
});
