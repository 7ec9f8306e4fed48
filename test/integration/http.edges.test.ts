import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { callApi, KEYS_OF_TWO, startTestApi, type TestApi } from '../support/api';

const ACME = { 'x-api-key': 'acme-key-1' };
const BETA = { authorization: 'Bearer beta-key-1' };

/** A request with exactly these headers; fetch would not send a foreign Host. */
async function raw(
  url: string,
  options: { path?: string; headers: Record<string, string> },
): Promise<IncomingMessage> {
  const { hostname, port } = new URL(url);
  const asked = request({
    hostname,
    port,
    path: options.path ?? '/livez',
    headers: options.headers,
    agent: false,
  });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  return response;
}

describe('what every request passes', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.stop());

  describe('bodies', () => {
    const post = (text: string, headers: Record<string, string> = {}) =>
      api.call('POST', '/v1/sessions', { text, headers: { prefer: 'respond-async', ...headers } });

    it.each<[string, string, Record<string, string>, number, string]>([
      ['no JSON', '{"timeout":', {}, 400, 'malformed_request'],
      ['a bare value', '42', {}, 400, 'malformed_request'],
      ['levels without end', `{"x":${'['.repeat(40)}${']'.repeat(40)}}`, {}, 400, 'malformed_request'],
      [
        'very many levels',
        `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
        {},
        400,
        'malformed_request',
      ],
      ['too many bytes', JSON.stringify({ x: 'y'.repeat(262_144) }), {}, 413, 'body_too_large'],
      [
        'a form',
        'timeout=5000',
        { 'content-type': 'application/x-www-form-urlencoded' },
        415,
        'unsupported_media_type',
      ],
      ['plain text', '{}', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
      [
        'another charset',
        '{}',
        { 'content-type': 'application/json; charset=koi8-r' },
        415,
        'unsupported_media_type',
      ],
      ['compressed bytes', '{}', { 'content-encoding': 'gzip' }, 415, 'unsupported_media_type'],
      ['a wrong type', '{"timeout":"5000"}', {}, 422, 'invalid_request'],
      ['a list', '[]', {}, 422, 'invalid_request'],
      ['a field that is not built yet', '{"recording":true}', {}, 422, 'not_supported'],
    ])('with %s are refused', async (_what, text, headers, status, code) => {
      const answer = await post(text, headers);
      expect(answer).toMatchObject({
        status,
        body: { code, status, retryable: false, message: expect.any(String) },
      });
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(answer.body['requestId']).toBe(answer.headers.get('x-request-id'));
    });

    it('may be of up to 32 levels and 256 KiB', async () => {
      const text = JSON.stringify({
        whatever: 'y'.repeat(262_000),
        x: JSON.parse(`${'['.repeat(30)}${']'.repeat(30)}`),
      });
      // It was read, and refused because of its content.
      expect((await post(text)).body).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: '/whatever' }, { pointer: '/x' }],
      });
    });

    it('is refused with the limit of its own route', async () => {
      const text = JSON.stringify({ x: 'y'.repeat(2 ** 24) });
      const path = '/v1/contexts/none/storage-state';
      expect((await api.call('PUT', path, { text })).body['message']).toBe(
        'The body is larger than 16384 KiB.',
      );
      expect((await post(text)).body['message']).toBe('The body is larger than 256 KiB.');
    });

    it('cannot poison prototypes', async () => {
      const text = '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}';
      expect((await post(text)).body).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: '/__proto__' }, { pointer: '/constructor' }],
      });
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    });
  });

  describe('routes', () => {
    it('that are unknown are 404, in JSON', async () => {
      const answer = await api.call('GET', '/v2/nothing?token=secret-token');
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found', instance: '/v2/nothing' } });
      expect(JSON.stringify(answer.body)).not.toContain('secret-token');
    });

    it.each([
      ['PUT', '/v1/sessions', 'GET, POST'],
      ['PUT', '/v1/sessions/x', 'GET, PATCH, DELETE'],
      ['POST', '/v1/sessions/x', 'GET, PATCH, DELETE'],
      ['GET', '/v1/sessions/x/release', 'POST'],
      ['POST', '/v1/sessions/x/live', 'GET'],
      ['OPTIONS', '/v1/sessions', 'GET, POST'],
      ['POST', '/livez', 'GET'],
    ])('answer 405 to %s %s, and name the methods that are allowed', async (method, path, allow) => {
      const answer = await api.call(method, path);
      expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
      expect(answer.headers.get('allow')).toBe(allow);
    });

    it('that cannot be decoded are malformed', async () => {
      expect(await api.call('GET', '/v1/sessions/%ff')).toMatchObject({
        status: 400,
        body: { code: 'malformed_request' },
      });
    });

    it('explain a WebSocket URL that is opened like a page', async () => {
      const answer = await api.call('GET', '/v1/sessions/x/cdp?token=abc');
      expect(answer).toMatchObject({ status: 426, body: { code: 'upgrade_required' } });
      expect(answer.body['message']).toContain('puppeteer.connect');
    });
  });

  describe('headers', () => {
    it('are those of an API, and do not name the framework', async () => {
      const { headers } = await api.call('GET', '/v1/sessions');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('x-request-id')).toMatch(/^[\w-]{16}$/);
    });

    it('are on every answer, whatever it is: page, JSON, error, refused upgrade', async () => {
      const session = await api.createLive();
      const { pathname, search } = new URL(session.viewerUrl);
      for (const path of [
        ...['/', '/docs', '/openapi.json', '/livez', '/readyz', '/metrics', '/queues', '/queues/api/queues'],
        ...['/v1/sessions', '/v1/nothing', '/steel/v1/sessions', '/notte/nothing', pathname + search],
      ]) {
        const { headers } = await api.call('GET', path, {
          headers: { accept: 'text/html, application/json' },
        });
        expect([path, headers.get('referrer-policy')]).toEqual([path, 'no-referrer']);
        expect([path, headers.get('x-content-type-options')]).toEqual([path, 'nosniff']);
        if (headers.get('content-type')?.startsWith('text/html') !== true) continue;
        const policy = headers.get('content-security-policy') ?? '';
        expect([path, policy]).toEqual([path, expect.stringContaining("default-src 'none'")]);
        // Only the page that shows a session may be in a frame.
        const isFramed = path.startsWith(pathname);
        expect([path, policy.includes("frame-ancestors 'none'")]).toEqual([path, !isFramed]);
      }
    });

    it('echo a request id that is harmless, and replace any other', async () => {
      const idOf = async (given: string) => {
        const { headers } = await api.call('GET', '/livez', { headers: { 'x-request-id': given } });
        return headers.get('x-request-id');
      };
      expect(await idOf('trace-1:2.3')).toBe('trace-1:2.3');
      expect(await idOf('<script>')).toMatch(/^[\w-]{16}$/);
      expect(await idOf('x'.repeat(129))).toMatch(/^[\w-]{16}$/);
    });

    it('that are too large or unreadable are refused in the same form', async () => {
      const { hostname, port } = new URL(api.url);
      const send = async (text: string): Promise<string> => {
        const socket = connect(Number(port), hostname);
        socket.write(text);
        const chunks: Buffer[] = [];
        for await (const chunk of socket) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks).toString();
      };
      const large = await send(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`);
      expect(large).toMatch(/^HTTP\/1\.1 431 .*"code":"malformed_request"/s);
      expect(await send('NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"code":"malformed_request"/s);
    });
  });

  describe('the edge guard', () => {
    it.each([
      ['a Host that is not ours', { host: 'evil.example' }, 403],
      ['a page of another origin', { host: 'localhost', origin: 'https://evil.example' }, 403],
      ['a page of another site', { host: 'localhost', 'sec-fetch-site': 'cross-site' }, 403],
      ['nothing suspicious', { host: 'localhost:1' }, 200],
    ])('sees %s', async (_what, headers, status) => {
      expect((await raw(api.url, { headers })).statusCode).toBe(status);
    });

    it('lets the service’s own pages pass', async () => {
      const headers = { host: 'localhost', origin: api.url, 'sec-fetch-site': 'same-origin' };
      expect((await raw(api.url, { headers })).statusCode).toBe(200);
    });

    it('comes before every route, known or unknown', async () => {
      for (const path of ['/v1/sessions', '/metrics', '/readyz', '/nothing', '/v1/sessions/x/cdp']) {
        expect((await raw(api.url, { path, headers: { host: 'evil.example' } })).statusCode).toBe(403);
      }
    });
  });

  describe('health', () => {
    it('is live and ready', async () => {
      expect(await api.call('GET', '/livez')).toMatchObject({ status: 200, body: { status: 'ok' } });
      expect(await api.call('GET', '/readyz')).toMatchObject({
        status: 200,
        body: { status: 'ready', checks: { commands: 'ok', notices: 'ok', lifecycle: 'ok' } },
      });
    });

    it('has metrics by route pattern, without text from callers', async () => {
      await api.createLive({ sessionId: 'in-no-metric' });
      await api.call('GET', '/v1/sessions/in-no-metric');
      await api.call('GET', '/in-no-metric');
      const { status, body, headers } = await api.call('GET', '/metrics');
      expect(status).toBe(200);
      expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      const text = String(body['text']);
      expect(text).toMatch(/holdfast_sessions\{status="live"\} [1-9]/);
      expect(text).toContain(
        'holdfast_http_request_duration_seconds_count{route="/v1/sessions/:id",method="GET",code="200"}',
      );
      expect(text).toContain('route="unmatched",method="GET",code="404"');
      expect(text).not.toContain('in-no-metric');
    });
  });
});

describe('with API keys', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({
      apiKeys: KEYS_OF_TWO,
    });
  });
  afterAll(() => api.stop());

  const EVERYTHING = [
    ['POST', '/v1/sessions'],
    ['GET', '/v1/sessions'],
    ['POST', '/v1/sessions/release'],
    ['GET', '/v1/sessions/s-1'],
    ['DELETE', '/v1/sessions/s-1'],
    ['POST', '/v1/sessions/s-1/release'],
    ['GET', '/v1/sessions/s-1/live'],
    ['GET', '/v1/sessions/s-1/events'],
    ['PUT', '/v1/sessions/s-1'],
    ['GET', '/metrics'],
    ['GET', '/nothing'],
  ] as const;

  it.each(EVERYTHING)('%s %s is closed without a valid one', async (method, path) => {
    for (const headers of [{}, { 'x-api-key': 'wrong-key' }, { authorization: 'Bearer' }]) {
      const answer = await api.call(method, path, { headers });
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it('health needs none', async () => {
    expect((await api.call('GET', '/livez')).status).toBe(200);
    expect((await api.call('GET', '/readyz')).status).toBe(200);
  });

  it('tenants do not see each other, not even that there is something to see', async () => {
    const { id } = await api.createLive({ sessionId: 'shared-name' }, ACME);
    const routes = [
      ['GET', `/v1/sessions/${id}`],
      ['DELETE', `/v1/sessions/${id}`],
      ['POST', `/v1/sessions/${id}/release`],
      ['GET', `/v1/sessions/${id}/live`],
      ['GET', `/v1/sessions/${id}/events`],
    ] as const;
    for (const [method, path] of routes) {
      const foreign = await api.call(method, path, { headers: { ...BETA, 'x-request-id': 'same' } });
      const missing = await api.call(method, path.replace(id, 'missing'), {
        headers: { ...BETA, 'x-request-id': 'same' },
      });
      expect(foreign.status).toBe(404);
      expect(JSON.stringify(foreign.body).replaceAll(id, 'missing')).toBe(JSON.stringify(missing.body));
    }
    expect((await api.call('GET', '/v1/sessions', { headers: BETA })).body['sessions']).toEqual([]);
    expect((await api.call('POST', '/v1/sessions/release', { headers: BETA })).body['matched']).toBe(0);
    expect((await api.call('GET', `/v1/sessions/${id}`, { headers: ACME })).body['status']).toBe('live');
  });

  it('each tenant has ids and Idempotency-Keys of its own', async () => {
    const key = { 'idempotency-key': 'the-same' };
    const ours = await api.createLive({ sessionId: 'mine' }, { ...ACME, ...key });
    const theirs = await api.createLive({ sessionId: 'mine' }, { ...BETA, ...key });
    expect(ours.id).toBe(theirs.id);
    expect(ours.websocketUrl).not.toBe(theirs.websocketUrl);
    await api.call('DELETE', '/v1/sessions/mine', { headers: ACME });
    expect((await api.call('GET', '/v1/sessions/mine', { headers: BETA })).body['status']).toBe('live');
  });

  it('names the tenant of the key in the history, and never the key', async () => {
    const { id } = await api.createLive({}, ACME);
    const { body } = await api.call('GET', `/v1/sessions/${id}/events`, { headers: ACME });
    expect(body['events']).toMatchObject([{ actor: 'key:acme' }, {}, {}]);
    expect(JSON.stringify(body)).not.toContain('acme-key-1');
  });

  it('accepts an IP address as Host, since no page can send a key', async () => {
    const other = await api.another({ host: '0.0.0.0' });
    const { port } = new URL(other.url);
    expect((await raw(`http://127.0.0.1:${port}`, { headers: { host: '10.1.2.3' } })).statusCode).toBe(200);
    expect((await callApi(`http://localhost:${port}`, 'GET', '/livez')).status).toBe(200);
    expect((await raw(`http://127.0.0.1:${port}`, { headers: { host: 'evil.example' } })).statusCode).toBe(
      403,
    );
  });
});
