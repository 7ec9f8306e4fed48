import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Browser } from '../../src/client/browser';
import { createLogger } from '../../src/core/logger';
import type { SessionView } from '../../src/http/session-view';
import type { OpenApiDocument } from '../../src/http/openapi/open-api';
import { Gateway } from '../../workers/keeper/gateway';
import { startTestApi, type TestApi } from '../support/api';
import { Contract } from '../support/openapi';
import { makeTempDir, type TempDir } from '../support/temp-dir';

describe('downloads of a live session', () => {
  let api: TestApi;
  let dir: TempDir;
  let gateway: Gateway;
  let session: SessionView;
  let contract: Contract;

  beforeAll(async () => {
    dir = await makeTempDir();
    api = await startTestApi();
    const gatewaySocket = join(dir.path, 'gateway.sock');
    gateway = await Gateway.listenOn(gatewaySocket, {
      browserOf: () => ({
        endpoint: api.browser.endpoint,
        downloads: { path: dir.path, uid: process.getuid?.() ?? 0 },
      }),
      secret: () => api.deps.secret,
      log: createLogger('gateway', 'silent'),
    });
    api.worker.endpoint = { ...api.browser.endpoint, gatewaySocket };
    session = await api.createLive({ idleTimeout: 60_000 });
    contract = new Contract((await api.call('GET', '/openapi.json')).body as unknown as OpenApiDocument);
  });
  afterAll(async () => {
    await gateway.close();
    await api.stop();
    await dir.remove();
  });

  const fetchPath = async (path: string): Promise<Response> =>
    fetch(`${api.url}/v1/sessions/${session.id}/${path}`);

  /** Sends a request and holds the answer against the document. */
  async function asDocumented(path: string): Promise<Response> {
    const response = await fetchPath(path);
    const placed = contract.find('GET', `/v1/sessions/${session.id}/${path}`);
    if (placed === undefined) throw new Error(`${path} is not documented`);
    const contentType = response.headers.get('content-type') ?? undefined;
    const given = { status: response.status, contentType, text: await response.clone().text() };
    expect(contract.breaches(placed, given)).toEqual([]);
    return response;
  }

  it('are listed', async () => {
    await writeFile(join(dir.path, 'report.pdf'), 'a report');
    const response = await asDocumented('downloads');
    expect(await response.json()).toEqual({
      downloads: [{ name: 'report.pdf', size: 8, modifiedAt: expect.stringMatching(/Z$/), isComplete: true }],
    });
  });

  it('come as attachments that no browser takes for a page', async () => {
    await writeFile(join(dir.path, 'ä "b".html'), '<script>alert(1)</script>');
    const response = await asDocumented(`downloads/${encodeURIComponent('ä "b".html')}`);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '25',
      'x-content-type-options': 'nosniff',
      'content-disposition': expect.stringMatching(/^attachment; .*filename\*=UTF-8''%C3%A4%20%22b%22\.html/),
    });
    expect(await response.text()).toBe('<script>alert(1)</script>');
  });

  it('come whole, however large', async () => {
    const size = 40 * 2 ** 20;
    await writeFile(join(dir.path, 'large.bin'), '');
    await truncate(join(dir.path, 'large.bin'), size);
    const response = await fetchPath('downloads/large.bin');
    expect((await response.arrayBuffer()).byteLength).toBe(size);
  });

  it.each(['nothing.txt', '%2e%2e%2fgateway.sock', 'gateway.sock', 'x'.repeat(300), 'a%00b'])(
    'are not found by the name %s',
    async name => {
      const response = await fetchPath(`downloads/${name}`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'download_not_found' });
    },
  );

  it('are documented when they are not found', async () => {
    expect((await asDocumented('downloads/nothing.txt')).status).toBe(404);
  });

  it('come through the client library', async () => {
    const { sessions } = new Browser({ baseUrl: api.url });
    expect((await sessions.downloads(session)).map(({ name }) => name)).toContain('report.pdf');
    expect(await (await sessions.download(session.id, 'report.pdf')).text()).toBe('a report');
    await expect(sessions.download(session, 'nothing.txt')).rejects.toMatchObject({
      code: 'download_not_found',
    });
  });

  it('count as activity', async () => {
    const lastActivity = async (): Promise<unknown> =>
      (await api.call('GET', `/v1/sessions/${session.id}/live`)).body['lastActivityAt'];
    const before = String(await lastActivity());
    await fetchPath('downloads');
    expect(Date.parse(String(await lastActivity()))).toBeGreaterThan(Date.parse(before));
  });

  it('are gone with the session', async () => {
    await api.call('DELETE', `/v1/sessions/${session.id}`);
    expect((await fetchPath('downloads')).status).toBe(409);
    expect((await fetchPath('downloads/report.pdf')).status).toBe(409);
  });
});
