import { randomUUID } from 'node:crypto';
import { writeFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/core/clock';
import { createLogger } from '../../../src/core/logger';
import { STEEL_CALLS } from '../../../src/http/dialects/steel/calls';
import type { DialectCall } from '../../../src/http/dialects/dialect';
import { KeeperGateway } from '../../../workers/keeper/door/gateway';
import { BrowserDownloads } from '../../../workers/keeper/downloads/browser-downloads';
import { startTestApi, type CallOptions, type TestApi } from '../../support/api';
import { ECHO_PAGE } from '../../support/echo-browser';
import { SteelCaller, TWO_TENANTS, type SteelView } from '../../support/steel';
import { makeTempDir, type TempDir } from '../../support/temp-dir';
import { uploadsIn } from '../../support/uploads';

let api: TestApi;
let steel: SteelCaller;
let other: SteelCaller;
let dir: TempDir;
let gateway: KeeperGateway;
let session: SteelView;

beforeAll(async () => {
  dir = await makeTempDir();
  api = await startTestApi({ apiKeys: TWO_TENANTS });
  steel = new SteelCaller(api, 'key-a');
  other = new SteelCaller(api, 'key-b');
  const downloads = join(dir.path, 'downloads');
  await mkdir(downloads);
  const gatewaySocket = join(dir.path, 'gateway.sock');
  const uploads = uploadsIn(dir.path);
  const uid = process.getuid?.() ?? 0;
  gateway = await KeeperGateway.listenOn(gatewaySocket, {
    browserOf: () => ({
      directory: { root: dir.path, name: 'b-000000' },
      devTools: { ...api.browser.endpoint, socket: null },
      downloads: new BrowserDownloads({ path: downloads, uid, log: createLogger('keeper', 'silent') }),
      cuts: [],
      uploads,
      sleeper: null,
    }),
    secret: () => api.deps.secret,
    clock: systemClock,
    log: createLogger('gateway', 'silent'),
  });
  api.worker.endpoint = { ...api.browser.endpoint, gatewaySocket };
  session = await steel.create();
});
afterAll(async () => {
  await gateway.close();
  await api.stop();
  await dir.remove();
});

const path = (what: string): string => `/sessions/${session.id}/${what}`;

/** Sends a form; fields in their order. */
async function upload(fields: readonly (readonly [string, string | File])[]): Promise<Response> {
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  return fetch(`${api.url}/steel/v1${path('files')}`, {
    method: 'POST',
    headers: { 'steel-api-key': 'key-a' },
    body,
  });
}

const file = (name: string, content: string): File => new File([content], name);

describe("what else Steel's clients can call", () => {
  it('tells pages and URLs of a live session', async () => {
    const { id, url, title } = ECHO_PAGE;
    const viewer = { sessionViewerUrl: session['sessionViewerUrl'] };
    expect((await steel.call('GET', path('live-details'))).body).toMatchObject({
      pages: [{ id, url, title, favicon: null, ...viewer }],
      wsUrl: session.websocketUrl,
      ...viewer,
      sessionViewerFullscreenUrl: expect.any(String) as string,
    });
  });

  it('has recorded no events', async () => {
    const { status, body } = await steel.call('GET', path('events?compressed=true&limit=5'));
    expect([status, body]).toEqual([200, []]);
  });

  it('answers what there is nothing for with a code, whatever the body is, and once', async () => {
    const missing = Object.values<DialectCall>(STEEL_CALLS).filter(({ isMissing }) => isMissing === true);
    expect(missing.length).toBeGreaterThan(10);
    for (const { method, path: pattern } of missing) {
      const at = `/steel${pattern.replaceAll(/\{\+?\w+\}/g, session.id)}`;
      const form = new FormData();
      form.append('file', file('a.txt', 'a'));
      const response = await fetch(api.url + at, {
        method,
        headers: { 'steel-api-key': 'key-a' },
        ...(method === 'GET' ? {} : { body: form }),
      });
      const { code } = (await response.json()) as { code: string };
      expect([method, at, response.status, code]).toEqual([method, at, 422, 'not_supported']);
      expect(response.headers.get('x-should-retry')).toBe('false');
    }
  });

  it('does not know the sessions of another key, in any call', async () => {
    const calls = Object.values<DialectCall>(STEEL_CALLS).filter(
      ({ path: pattern, isMissing }) => pattern.includes('/sessions/{id}') && isMissing !== true,
    );
    for (const { method, path: pattern } of calls) {
      const at = pattern.replace('/v1', '').replace('{id}', session.id).replace('{+path}', 'a.txt');
      const answer = await other.call(method, at, rightBodyOf(pattern, method));
      expect([at, answer.status, answer.body['code']]).toEqual([at, 404, 'session_not_found']);
    }
  });

  it('refuses a wrong key in its own form', async () => {
    const answer = await api.call('GET', '/steel/v1/sessions', { headers: { 'steel-api-key': 'wrong' } });
    expect(answer).toMatchObject({ status: 401, body: { message: expect.any(String) as string } });
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  });

  it('answers unknown routes, bad JSON and huge bodies with a message', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const [status, answer] of [
      [404, await steel.call('GET', '/nothing')],
      [404, await steel.call('PUT', '/sessions')],
      [404, await steel.call('GET', `/sessions/${randomUUID()}`)],
      [404, await steel.call('GET', '/sessions/%2e%2e')],
      [400, await steel.call('POST', '/sessions', { text: '{"timeout":', headers })],
      [400, await steel.call('POST', '/sessions', { text: '"text"', headers })],
      [422, await steel.call('POST', '/sessions', { body: [] })],
      [
        415,
        await steel.call('POST', '/sessions', { text: 'a=b', headers: { 'content-type': 'text/plain' } }),
      ],
      [413, await steel.call('POST', path('release'), { body: { x: 'x'.repeat(300_000) } })],
    ] as const) {
      expect(answer).toMatchObject({ status, body: { message: expect.any(String) as string } });
      expect(answer.headers.get('x-should-retry')).toBe('false');
    }
  });

  it('refuses actions of the computer that make no sense', async () => {
    for (const [body, pointer] of [
      [{}, '/action'],
      [{ action: 'dance' }, '/action'],
      [{ action: 'move_mouse' }, '/coordinates'],
      [{ action: 'move_mouse', coordinates: [1] }, '/coordinates'],
      [{ action: 'move_mouse', coordinates: [1, '2'] }, '/coordinates/1'],
      [{ action: 'press_key', keys: ['Nokey'] }, '/keys/0'],
      [{ action: 'press_key', keys: [] }, '/keys'],
      [{ action: 'wait', duration: 3_600 }, '/duration'],
      [{ action: 'drag_mouse', path: [[1, 1]] }, '/path'],
      [{ action: 'click_mouse', button: 'nose' }, '/button'],
    ] as const) {
      const answer = await steel.call('POST', path('computer'), { body });
      expect([body, answer.status]).toEqual([body, 422]);
      expect(answer.body['message']).toContain(pointer);
    }
  });

  it('refuses page actions for what is no web page, before a session is made', async () => {
    const before = (await steel.list('limit=100')).ids;
    for (const call of ['/scrape', '/screenshot', '/pdf'])
      for (const body of [{}, { url: 'file:///etc/passwd' }, { url: 1 }, { url: 'data:,', delay: -1 }])
        expect((await steel.call('POST', call, { body })).status).toBe(422);
    const url = 'https://example.test/';
    expect(await steel.call('POST', '/scrape', { body: { url, useProxy: true } })).toMatchObject({
      body: { code: 'not_supported' },
    });
    expect(await steel.call('POST', '/scrape', { body: { url, format: ['readability'] } })).toMatchObject({
      body: { code: 'not_supported' },
    });
    expect((await steel.list('limit=100')).ids).toEqual(before);
  });
});

describe("the files of Steel's sessions", () => {
  it.each([
    ['before', ['path', 'file']],
    ['after', ['file', 'path']],
  ])('are stored under a path that comes %s the file', async (_when, order) => {
    const large = 'x'.repeat(300_000);
    const fields = { path: 'reports/stock.csv', file: file('given.txt', large) };
    const answer = await upload(order.map(name => [name, fields[name as 'path' | 'file']] as const));
    expect(answer.status).toBe(200);
    const { path: stored, size } = (await answer.json()) as { path: string; size: number };
    expect([stored, size]).toEqual([join(dir.path, 'uploads', 'stock.csv'), large.length]);
    expect(await readdir(join(dir.path, 'uploads'))).toEqual(['stock.csv']);
    for (const at of ['stock.csv', stored]) {
      const got = await fetch(`${api.url}/steel/v1${path('files')}/${at}`, {
        headers: { 'steel-api-key': 'key-a' },
      });
      expect([got.status, (await got.text()).length]).toEqual([200, large.length]);
    }
    expect((await steel.call('DELETE', path('files/stock.csv'))).status).toBe(204);
    expect(await readdir(join(dir.path, 'uploads'))).toEqual([]);
  });

  it('are uploads and finished downloads; each can be removed', async () => {
    await writeFile(join(dir.path, 'downloads', 'report.pdf'), 'report');
    await writeFile(join(dir.path, 'downloads', 'half.zip.crdownload'), 'half');
    await upload([['file', file('a b.txt', 'content')]]);
    const { body } = await steel.call('GET', path('files'));
    const { data } = body as { data: { path: string; size: number; lastModified: string }[] };
    expect(data.map(one => [one.path, one.size]).sort()).toEqual([
      [join(dir.path, 'uploads', 'a b.txt'), 7],
      ['report.pdf', 6],
    ]);
    expect(data[0]?.lastModified).toMatch(/Z$/);
    expect((await steel.call('GET', path('files/report.pdf'))).body).toEqual({ text: 'report' });
    expect((await steel.call('DELETE', path('files/report.pdf'))).status).toBe(204);
    expect(await steel.call('DELETE', path('files/report.pdf'))).toMatchObject({
      status: 404,
      body: { code: 'file_not_found' },
    });
    expect((await steel.call('DELETE', path('files'))).status).toBe(204);
    expect((await steel.call('GET', path('files'))).body).toEqual({ data: [] });
  });

  it('come as an archive', async () => {
    await writeFile(join(dir.path, 'downloads', '..\\evil.txt'), 'evil');
    await upload([['file', file('evil.txt', 'good')]]);
    const got = await fetch(`${api.url}/steel/v1${path('files.zip')}`, {
      headers: { 'steel-api-key': 'key-a' },
    });
    const zip = Buffer.from(await got.arrayBuffer());
    expect([got.status, got.headers.get('content-type')]).toEqual([200, 'application/zip']);
    expect(zip.subarray(0, 2).toString()).toBe('PK');
    expect(zip.includes('evil (1).txt')).toBe(true);
    expect(zip.includes('..\\')).toBe(false);
    await steel.call('DELETE', path('files'));
  });

  it('are not fetched from a URL, and not taken from broken forms', async () => {
    expect(await (await upload([['file', 'https://example.test/a.txt']])).json()).toMatchObject({
      code: 'not_supported',
    });
    for (const fields of [[], [['path', 'a.txt']]] as const) {
      expect(await (await upload(fields)).json()).toMatchObject({ code: 'malformed_request' });
    }
    const two = await upload([
      ['file', file('a.txt', 'a')],
      ['file', file('b.txt', 'b')],
    ]);
    expect([two.status, await readdir(join(dir.path, 'uploads'))]).toEqual([400, []]);
    expect((await steel.call('POST', path('files'), { body: {} })).status).toBe(415);
  });
});

/* What a call needs to be right, apart from its session. */
function rightBodyOf(pattern: string, method: string): CallOptions {
  if (pattern.endsWith('/computer')) return { body: { action: 'take_screenshot' } };
  if (method !== 'POST' || !pattern.endsWith('/files')) return {};
  const lines = [
    '--b',
    'content-disposition: form-data; name="file"; filename="a.txt"',
    '',
    'x',
    '--b--',
    '',
  ];
  return { text: lines.join('\r\n'), headers: { 'content-type': 'multipart/form-data; boundary=b' } };
}
