import express from 'express';
import { once } from 'node:events';
import { readdir, readlink, truncate, writeFile } from 'node:fs/promises';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { KeeperRoute } from '../../src/browser/dial';
import { Browser } from '../../src/client/browser';
import { systemClock } from '../../src/core/clock';
import { createLogger } from '../../src/core/logger';
import { Authenticator } from '../../src/http/edge/authenticator';
import { openContext } from '../../src/http/edge/request-context';
import { fetchDownloadRoute } from '../../src/http/routes/session-downloads';
import { StalledReaders } from '../../src/core/stalled-readers';
import type { SessionData } from '../../src/client/session';
import type { OpenApiDocument } from '../../src/http/openapi/open-api';
import { BrowserDownloads } from '../../workers/keeper/downloads/browser-downloads';
import type { CutDownload } from '../../workers/keeper/downloads/download-quota';
import { KeeperGateway } from '../../workers/keeper/door/gateway';
import { startTestApi, type TestApi } from '../support/api';
import { Contract } from '../support/openapi';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { uploadsIn } from '../support/uploads';
import { pollUntil } from '../support/poll-until';

describe('downloads of a live session', () => {
  let api: TestApi;
  let dir: TempDir;
  let gateway: KeeperGateway;
  let session: SessionData;
  let contract: Contract;
  let cuts: readonly CutDownload[] = [];

  beforeAll(async () => {
    dir = await makeTempDir();
    api = await startTestApi();
    const gatewaySocket = join(dir.path, 'gateway.sock');
    gateway = await KeeperGateway.listenOn(gatewaySocket, {
      browserOf: () => ({
        directory: { root: dir.path, name: 'b-000000' },
        devTools: { ...api.browser.endpoint, socket: null },
        downloads: new BrowserDownloads({
          path: dir.path,
          uid: process.getuid?.() ?? 0,
          log: createLogger('keeper', 'silent'),
        }),
        cuts,
        uploads: uploadsIn(dir.path),
        sleeper: null,
      }),
      secret: () => api.deps.secret,
      clock: systemClock,
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

  /** Sends a request and compares the answer with the document. */
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
      downloads: [
        {
          name: 'report.pdf',
          size: 8,
          modifiedAt: expect.stringMatching(/Z$/),
          isComplete: true,
          error: null,
        },
      ],
    });
  });

  it('come as attachments that no browser shows as a page', async () => {
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

  it('that were cut are listed with the reason, and fetching one answers it', async () => {
    cuts = [{ name: 'large.iso.crdownload', size: 2_000, atMs: 1_700_000_000_000 }];
    const listed = (await (await asDocumented('downloads')).json()) as { downloads: unknown[] };
    expect(listed.downloads.at(-1)).toEqual({
      name: 'large.iso',
      size: 2_000,
      modifiedAt: '2023-11-14T22:13:20.000Z',
      isComplete: false,
      error: 'download_quota_exceeded',
    });
    const response = await asDocumented('downloads/large.iso');
    expect([response.status, await response.json()]).toMatchObject([
      410,
      { code: 'download_quota_exceeded' },
    ]);
    expect((await fetchPath('downloads/other.iso')).status).toBe(404);
  });

  it('that were cut before they had a name make every unknown name answer so', async () => {
    cuts = [{ name: 'Unconfirmed 4711.crdownload', size: 2_000, atMs: 1_700_000_000_000 }];
    const response = await fetchPath('downloads/report-of-march.xlsx');
    expect(await response.json()).toMatchObject({ code: 'download_quota_exceeded' });
    cuts = [];
    expect((await fetchPath('downloads/report-of-march.xlsx')).status).toBe(404);
  });

  it('come whole, however large', async () => {
    const size = 40 * 2 ** 20;
    await writeFile(join(dir.path, 'large.bin'), '');
    await truncate(join(dir.path, 'large.bin'), size);
    const response = await fetchPath('downloads/large.bin');
    expect((await response.arrayBuffer()).byteLength).toBe(size);
  });

  it('are not kept open for a reader that does not read', async () => {
    const path = join(dir.path, 'unread.bin');
    await writeFile(path, '');
    await truncate(path, 2 ** 30);
    const isHeld = async (): Promise<boolean> => {
      const open = await readdir('/proc/self/fd');
      // A descriptor that was closed after the listing does not count.
      const files = await Promise.all(open.map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
      return files.includes(path);
    };
    const findKeeper = (): Promise<KeeperRoute> => {
      const keeper = { socketPath: join(dir.path, 'gateway.sock') };
      return Promise.resolve({ keeper, claimId: 'unread', secret: api.deps.secret });
    };
    const stalledReaders = new StalledReaders({
      clock: systemClock,
      checkEveryMs: 20,
      rule: { appliesTo: 'waiting', limitMs: () => 200 },
    });
    const { middleware } = new Authenticator(
      [],
      { find: async () => Promise.resolve(null) },
      async () => Promise.resolve(),
      { check: async (_sender, _key, find) => find() },
    );
    const app = express().use(openContext(new AbortController().signal), middleware);
    const server = app.get('/:id/:name', fetchDownloadRoute({ findKeeper, stalledReaders })).listen(0);
    try {
      await once(server, 'listening');
      // SAFETY: a server that listens on TCP has an address of this form.
      const reader = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
      reader.on('error', () => undefined);
      reader.write('GET /s1/unread.bin HTTP/1.1\r\nhost: x\r\n\r\n');
      const limits = { timeoutMs: 5_000, everyMs: 10 };
      await pollUntil('the file to be opened', limits, async () => (await isHeld()) || undefined);
      await pollUntil('the file to be closed', limits, async () => !(await isHeld()) || undefined);
      reader.destroy();
    } finally {
      server.closeAllConnections();
      server.close();
    }
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
