import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { caFile } from '../../src/config/data-dir';
import type { SessionData } from '../../src/client/session';
import { KEYS_OF_TWO, startTestApi, type TestApi } from '../support/api';
import { makeTempDir, type TempDir } from '../support/temp-dir';

/* The whole API over the listener that speaks TLS. */

const ACME = { 'x-api-key': KEYS_OF_TWO[0].key };

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

let dir: TempDir;
let api: TestApi;
let ca: string;

beforeAll(async () => {
  dir = await makeTempDir();
  const tls = { host: '127.0.0.1', port: 0, files: null };
  api = await startTestApi({ dataDir: dir.path, apiKeys: KEYS_OF_TWO, tls });
  ca = await readFile(caFile(dir.path), 'utf8');
});
afterAll(async () => {
  await api.stop();
  await dir.remove();
});

async function ask(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = ACME,
  body?: object,
): Promise<Answered> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const sent = request(`${api.tlsUrl}${path}`, {
    method,
    ca,
    agent: false,
    headers: { ...type, ...headers },
  });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  // SAFETY: what `response` comes with.
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
}

async function create(): Promise<SessionData> {
  const { status, text: body } = await ask('POST', '/v1/sessions', ACME, {});
  expect(status).toBe(201);
  return JSON.parse(body) as SessionData;
}

const wssUrl = (): string => api.tlsUrl.replace(/^https/, 'wss');

it('creates, reads, lists and releases sessions, with URLs that lead back to it', async () => {
  const { id, websocketUrl, viewerUrl } = await create();
  expect(websocketUrl).toMatch(`${wssUrl()}/v1/sessions/${id}/cdp?token=`);
  expect(viewerUrl).toMatch(`${api.tlsUrl}/v1/sessions/${id}/view?token=`);
  expect((await ask('GET', new URL(viewerUrl).pathname + new URL(viewerUrl).search, {})).status).toBe(200);
  const overPlain = await api.call('GET', `/v1/sessions/${id}`, { headers: ACME });
  expect(overPlain.body['websocketUrl']).toMatch(`${api.url.replace(/^http/, 'ws')}/v1/sessions/${id}/cdp`);
  expect((await ask('GET', '/v1/sessions')).text).toContain(id);
  const released = await ask('DELETE', `/v1/sessions/${id}`);
  expect(JSON.parse(released.text)).toMatchObject({ status: 'released' });
});

it('carries a WebSocket to the browser, closes it at the end, and refuses one without a token', async () => {
  const { id, websocketUrl } = await create();
  const socket = new WebSocket(websocketUrl ?? '', { ca });
  await once(socket, 'open');
  const big = 'x'.repeat(300_000);
  socket.send(big);
  const [echo] = (await once(socket, 'message')) as [Buffer];
  expect(String(echo)).toBe(big);
  const closed = once(socket, 'close');
  await ask('DELETE', `/v1/sessions/${id}`);
  expect((await closed)[0]).toBe(1000);
  const refused = new WebSocket(`${wssUrl()}/v1/sessions/${id}/cdp`, { ca });
  const [error] = (await once(refused, 'error')) as [Error];
  expect(error.message).toContain('401');
});

it('needs a key, and takes those of the plain listener', async () => {
  expect((await ask('GET', '/v1/sessions', {})).status).toBe(401);
  expect((await ask('GET', '/v1/sessions', { authorization: `Bearer ${KEYS_OF_TWO[1].key}` })).status).toBe(
    200,
  );
});

it.each(['/', '/docs', '/openapi.json', '/livez', '/readyz', '/v1/usage', '/steel/v1/sessions'])(
  'answers %s with the headers of the plain listener',
  async path => {
    const secure = await ask('GET', path, { ...ACME, accept: 'text/html, application/json' });
    const plain = await fetch(`${api.url}${path}`, {
      headers: { ...ACME, accept: 'text/html, application/json' },
    });
    await plain.arrayBuffer();
    expect(secure.status).toBe(plain.status);
    for (const name of [
      ...['content-type', 'cache-control', 'content-security-policy', 'x-content-type-options'],
      ...['referrer-policy', 'x-frame-options', 'cross-origin-opener-policy', 'cross-origin-resource-policy'],
    ])
      expect([name, secure.headers[name] ?? null]).toEqual([name, plain.headers.get(name)]);
  },
);

it('shows its own URL on its pages', async () => {
  for (const path of ['/', '/docs']) {
    const page = (await ask('GET', path, { accept: 'text/html' })).text;
    expect(page).toContain(`${api.tlsUrl}/v1/sessions`);
    expect(page).not.toContain(`http://${new URL(api.tlsUrl).host}`);
  }
});

it('lets its own pages call it, and no page of the plain listener or of another site', async () => {
  const { port } = new URL(api.tlsUrl);
  for (const origin of [`https://localhost:${port}`, api.tlsUrl])
    expect((await ask('GET', '/v1/sessions', { ...ACME, origin })).status).toBe(200);
  for (const origin of [`http://localhost:${port}`, api.url, 'https://evil.example'])
    expect((await ask('GET', '/v1/sessions', { ...ACME, origin })).status).toBe(403);
});

it('streams events', async () => {
  const { id } = await create();
  const sent = request(`${api.tlsUrl}/v1/sessions/${id}/events/stream`, { ca, agent: false, headers: ACME });
  sent.end();
  // SAFETY: what `response` comes with.
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  await ask('DELETE', `/v1/sessions/${id}`);
  expect(await text(response)).toContain('event: closed');
});
