import { once } from 'node:events';
import { lstat, readdir } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { pause } from '../../src/core/abort';
import { withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';

interface Listed {
  readonly name: string;
  readonly size: number;
  readonly isComplete: boolean;
  readonly error: string | null;
}

const MB = 2 ** 20;
const QUOTA = 12 * MB;
const TENANT_QUOTA = 16 * MB;

/** The endless file comes in blocks of this size, one every few milliseconds, as over a fast network. */
const BLOCK = 256 * 1024;
const BLOCK_EVERY_MS = 4;

/** The bytes of one second, the time that an overloaded machine takes to start prlimit; 1 to 6 MB are usual. */
const OVERSHOOT_MAX = (1_000 / BLOCK_EVERY_MS) * BLOCK;

const PAGE = `<title>files</title><a id="endless" href="/endless.zip" download>1</a>
<a id="slow" href="/slow.zip" download>2</a><a id="small" href="/small.zip" download>3</a>`;

let origin: Server;
let url: string;
let installation: Installation;
let slow: ServerResponse | null = null;
/** How the connections with the endless file ended. */
let endlessCut = 0;

/** A file without an end. */
function pour(response: ServerResponse): void {
  const block = Buffer.alloc(BLOCK, 'x');
  const pouring = setInterval(() => response.writableNeedDrain || response.write(block), BLOCK_EVERY_MS);
  response.on('close', () => {
    clearInterval(pouring);
    endlessCut += 1;
  });
}

beforeAll(async () => {
  origin = createServer(({ url: path = '/' }, response) => {
    if (path === '/') return response.setHeader('content-type', 'text/html').end(PAGE);
    response.setHeader('content-disposition', `attachment; filename="${path.slice(1)}"`);
    response.setHeader('content-type', 'application/zip');
    if (path === '/small.zip') return response.end(Buffer.alloc(MB, 's'));
    if (path === '/endless.zip') return pour(response);
    slow = response;
    return response.write(Buffer.alloc(2 * MB, 'y'));
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  // SAFETY: a server that listens on TCP has an address of this form.
  url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
  installation = await Installation.start({
    browser: 'chromium',
    env: {
      HOLDFAST_DOWNLOADS_MAX_BYTES: String(QUOTA),
      HOLDFAST_QUOTAS: JSON.stringify({ default: { diskBytes: TENANT_QUOTA } }),
    },
  });
});

afterAll(async () => {
  await installation.stop();
  origin.closeAllConnections();
  origin.close();
});

async function list({ id }: SessionView): Promise<readonly Listed[]> {
  const answer = await installation.call<{ downloads: Listed[] }>('GET', `/v1/sessions/${id}/downloads`);
  // While the keeper is replaced there is no list.
  return answer.status === 200 ? answer.body.downloads : [];
}

const until = (what: string, holds: () => Promise<boolean>): Promise<true> =>
  pollUntil(what, { timeoutMs: 15_000, everyMs: 20 }, async () => ((await holds()) ? true : undefined));

/** The disk space that the folder of the one session takes. */
async function bytesOnDisk(): Promise<number> {
  const root = join(installation.dir.path, 'run');
  const [directory = ''] = (await readdir(root)).filter(name => name.startsWith('b-'));
  const folder = join(root, directory, 'downloads');
  const stats = await Promise.all(
    (await readdir(folder)).map(name => lstat(join(folder, name)).catch(() => null)),
  );
  return stats.reduce((sum, file) => sum + (file === null ? 0 : file.blocks * 512), 0);
}

/** The most disk space that the folder takes during some work. */
async function mostBytes(work: () => Promise<unknown>): Promise<number> {
  let most = 0;
  let isOver = false;
  const look = async (): Promise<void> => {
    while (!isOver) {
      most = Math.max(most, await bytesOnDisk());
      await pause(BLOCK_EVERY_MS);
    }
  };
  const looking = look();
  await work().finally(() => (isOver = true));
  await looking;
  return most;
}

const start = (page: Page, id: string): Promise<unknown> =>
  page.evaluate(`document.getElementById('${id}').click()`);

const isCut = async (session: SessionView, count: number): Promise<boolean> =>
  (await list(session)).filter(({ error }) => error === 'download_quota_exceeded').length === count;

test('a session cannot download more than its quota, and goes on', async () => {
  const session = await installation.create();
  await withPuppeteer(session, async page => {
    await page.goto(url);
    await start(page, 'small');
    await until('the small one', async () => (await list(session)).some(({ isComplete }) => isComplete));

    const most = await mostBytes(async () => {
      await start(page, 'endless');
      await until('the endless one to be cut', () => isCut(session, 1));
    });
    process.stdout.write(`the folder took ${most - QUOTA} bytes more than its quota at the most\n`);
    expect(most).toBeLessThan(QUOTA + OVERSHOOT_MAX);
    await until('the connection to be closed', () => Promise.resolve(endlessCut === 1));
    expect(await bytesOnDisk()).toBeLessThan(QUOTA);

    // Complete files stay and can be fetched. A cut one answers why it cannot.
    const small = await fetch(`${installation.url}/v1/sessions/${session.id}/downloads/small.zip`);
    expect((await small.arrayBuffer()).byteLength).toBe(MB);
    const cut = await installation.call<{ code: string }>(
      'GET',
      `/v1/sessions/${session.id}/downloads/endless.zip`,
    );
    expect([cut.status, cut.body.code]).toEqual([410, 'download_quota_exceeded']);

    // There is room again: other downloads are not cut, and the browser works as before.
    await start(page, 'slow');
    await until('the slow one', async () => (await list(session)).some(({ size }) => size === 2 * MB));
    slow?.end();
    await until(
      'the slow one to finish',
      async () => (await list(session)).filter(d => d.isComplete).length === 2,
    );
    expect(await page.evaluate('1 + 1')).toBe(2);
  });
  await until('the history to tell', async () =>
    (await installation.history(session.id)).some(({ event }) => event === 'downloads_cut'),
  );
  const told = (await installation.history(session.id)).filter(({ event }) => event === 'downloads_cut');
  expect(told).toMatchObject([{ from: 'live', to: 'live', cause: 'download_quota_exceeded' }]);
  let seen = '';
  const stream = await fetch(`${installation.url}/v1/sessions/${session.id}/events/stream`);
  // SAFETY: an answer of this route has a body; Node's type for it lacks the element's.
  for await (const chunk of stream.body as AsyncIterable<Uint8Array>) {
    seen += Buffer.from(chunk).toString();
    if (seen.includes('downloads_cut')) break;
  }
  expect(seen).toContain('downloads_cut');
  await installation.call('POST', `/v1/sessions/${session.id}/release`);
});

test('the quota outlives the keeper that cut a download, and the next keeper reports the same', async () => {
  const session = await installation.create();
  await withPuppeteer(session, async page => {
    await page.goto(url);
    await start(page, 'endless');
    await until('the first to be cut', () => isCut(session, 1));
    const killed = await installation.signal('keeper', 'SIGKILL');
    await installation.replaced('keeper', killed);
    await until('the successor to say so', () => isCut(session, 1));
    await start(page, 'endless');
    await until('the second to be cut', () => isCut(session, 2));
  });
  const told = (await installation.history(session.id)).filter(({ event }) => event === 'downloads_cut');
  expect(told).toHaveLength(1);
  // The limit that ended the downloads does not affect the browser: it ends like any other.
  await withPuppeteer(session, (_page, browser) => browser.close());
  const { endReason } = await installation.until(session.id, ({ status }) => status !== 'live');
  expect(endReason).toBe('client_closed_browser');
});

test('the quota covers all browser contexts together, and files that pages make themselves', async () => {
  const session = await installation.create();
  await withPuppeteer(session, async (page, browser) => {
    const context = await browser.createBrowserContext();
    const other = await context.newPage();
    await Promise.all([page.goto(url), other.goto(url)]);
    await start(page, 'small');
    await start(other, 'endless');
    await until('the endless one to be cut', () => isCut(session, 1));
    // Each file fits, but not all together, and each is complete before the keeper checks the folder.
    await page.evaluate(`for (let n = 0; n < 6; n += 1) {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([new Uint8Array(${3 * MB})]));
      link.download = 'made-' + n + '.bin';
      link.click();
    }`);
    await until(
      'those beyond the quota to be cut',
      async () => (await list(session)).filter(d => d.error).length > 2,
    );
    await until('the folder to be within its quota', async () => (await bytesOnDisk()) <= QUOTA);
    expect(await page.evaluate('1 + 1')).toBe(2);
  });
  await installation.call('POST', `/v1/sessions/${session.id}/release`);
});

test('a tenant cannot fill a disk with many sessions, and its other files stay', async () => {
  const [first, second] = [await installation.create(), await installation.create()];
  const make = (count: number): string => `for (let n = 0; n < ${count}; n += 1) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([new Uint8Array(${2 * MB})]));
    link.download = 'made-' + n + '.bin';
    link.click();
  }`;
  const upload = (bytes: number): Promise<Response> =>
    fetch(`${installation.url}/v1/sessions/${second.id}/uploads?name=up.bin`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(bytes),
    });
  await withPuppeteer(first, async page => {
    await page.goto(url);
    await page.evaluate(make(5));
    await until(
      'the files of the first',
      async () => (await list(first)).filter(({ isComplete }) => isComplete).length === 5,
    );
  });
  await withPuppeteer(second, async page => {
    await page.goto(url);
    await start(page, 'endless');
    await until('the second to be cut', () => isCut(second, 1));
  });
  await until('the history to tell', async () =>
    (await installation.history(second.id)).some(({ event }) => event === 'downloads_cut'),
  );
  expect((await list(first)).filter(({ error }) => error === null)).toHaveLength(5);
  expect((await installation.history(first.id)).some(({ event }) => event === 'downloads_cut')).toBe(false);
  const refused = await upload(8 * MB);
  expect([refused.status, await refused.json()]).toMatchObject([413, { code: 'upload_quota_exceeded' }]);
  await installation.call('POST', `/v1/sessions/${first.id}/release`);
  expect((await upload(8 * MB)).status).toBe(201);
  await installation.call('POST', `/v1/sessions/${second.id}/release`);
});
