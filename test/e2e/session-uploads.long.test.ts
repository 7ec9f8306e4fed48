import { spawnSync } from 'node:child_process';
import { lstat, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { Browser as Client } from '../../src/client/holdfast';
import { withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';

const QUOTA = 4 * 2 ** 20;
const CONTENT = 'a report, with Ü';

const PAGE = `data:text/html;charset=utf-8,${encodeURIComponent('<title>form</title><input type="file" multiple>')}`;

/** What the page reads of the files in its input. */
const READ = `Promise.all(Array.from(document.querySelector('input').files, async file =>
  [file.name, file.size, await file.text()]))`;

let installation: Installation;
let client: Client;

beforeAll(async () => {
  installation = await Installation.start({
    browser: 'shell',
    env: { HOLDFAST_UPLOADS_MAX_BYTES: String(QUOTA) },
  });
  client = new Client({ baseUrl: installation.url });
});
afterAll(() => installation.stop());

const release = ({ id }: SessionView): Promise<unknown> =>
  installation.call('POST', `/v1/sessions/${id}/release`);

test('an upload reaches a page through stock Puppeteer', async () => {
  const session = await installation.create();
  const { path } = await client.sessions.upload(session, Buffer.from(CONTENT), { name: 'report.txt' });
  await withPuppeteer(session, async page => {
    await page.goto(PAGE);
    const input = await page.waitForSelector('input[type=file]');
    await input?.uploadFile(path);
    expect(await page.evaluate(READ)).toEqual([['report.txt', 17, CONTENT]]);
  });
  await release(session);
});

test('it does so through stock Playwright: by path on this machine, and by CDP on any', async () => {
  const session = await installation.create();
  const uploads = await Promise.all(
    ['a.txt', 'b.txt'].map(name => client.sessions.upload(session, Buffer.from(CONTENT), { name })),
  );
  const browser = await chromium.connectOverCDP(session.websocketUrl ?? '');
  const page = await browser.contexts()[0]?.newPage();
  await page?.goto(PAGE);
  // Playwright reads the file itself, here, and sends its bytes.
  await page?.setInputFiles('input', uploads[0]?.path ?? '');
  expect(await page?.evaluate(READ)).toEqual([['a.txt', 17, CONTENT]]);
  if (page === undefined) throw new Error('there is no page');
  const cdp = await page.context().newCDPSession(page);
  const { root } = await cdp.send('DOM.getDocument');
  const { nodeId } = await cdp.send('DOM.querySelector', { nodeId: root.nodeId, selector: 'input' });
  await cdp.send('DOM.setFileInputFiles', { nodeId, files: uploads.map(({ path }) => path) });
  expect(await page.evaluate(READ)).toEqual([
    ['a.txt', 17, CONTENT],
    ['b.txt', 17, CONTENT],
  ]);
  await browser.close();
  await release(session);
});

test('a page cannot change uploads, and they are gone with the session', async () => {
  const session = await installation.create();
  const { path } = await client.sessions.upload(session, Buffer.from(CONTENT), { name: 'a' });
  const folder = dirname(path);
  // As root the service runs browsers as another user, who can only read.
  const { uid, gid } = await lstat(join(folder, '..', 'profile'));
  const asBrowser = (command: string): number | null => spawnSync('sh', ['-c', command], { uid, gid }).status;
  if (process.getuid?.() === 0) {
    expect(asBrowser(`cat '${path}'`)).toBe(0);
    const forbidden = [
      `echo x >> '${path}'`,
      `rm '${path}'`,
      `echo x > '${folder}/b'`,
      `ls '${folder}/../incoming'`,
    ];
    for (const command of forbidden) expect(asBrowser(command)).not.toBe(0);
  }
  expect((await lstat(path)).size).toBe(17);
  await release(session);
  await expect(lstat(path)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('an upload beyond the quota is cut while it is sent, and the history tells it once', async () => {
  const session = await installation.create();
  const large = join(installation.dir.path, 'large.bin');
  await writeFile(large, new Uint8Array(2 * QUOTA));
  for (let n = 0; n < 2; n += 1) {
    await expect(client.sessions.upload(session, large)).rejects.toMatchObject({
      code: 'upload_quota_exceeded',
      status: 413,
    });
  }
  const told = async (): Promise<unknown[]> =>
    (await installation.history(session.id)).filter(({ event }) => event === 'uploads_cut');
  await pollUntil('the history to tell', { timeoutMs: 15_000, everyMs: 20 }, async () =>
    (await told()).length > 0 ? true : undefined,
  );
  expect(await told()).toMatchObject([{ from: 'live', to: 'live', cause: 'upload_quota_exceeded' }]);
  expect(await client.sessions.uploads(session)).toEqual([]);
  await release(session);
});

test('a keeper killed during an upload: the client is told, nothing of it is left, other uploads stay', async () => {
  const session = await installation.create();
  const { path } = await client.sessions.upload(session, Buffer.from(CONTENT), { name: 'stays' });
  const uploading = client.sessions.upload(session, slowly(), { name: 'half' });
  const failed = expect(uploading).rejects.toMatchObject({ code: 'browser_unreachable', retryable: true });
  const incoming = join(path, '../../incoming');
  const count = async (): Promise<number> => (await readdir(incoming)).length;
  await pollUntil('it to begin', { timeoutMs: 10_000, everyMs: 10 }, async () =>
    (await count()) === 1 ? true : undefined,
  );
  const killed = await installation.signal('keeper', 'SIGKILL');
  await failed;
  await installation.replaced('keeper', killed);
  await pollUntil('what is left to be removed', { timeoutMs: 10_000, everyMs: 20 }, async () =>
    (await count()) === 0 ? true : undefined,
  );
  await pollUntil('uploads to be had again', { timeoutMs: 10_000, everyMs: 50 }, async () =>
    client.sessions.uploads(session).then(
      () => true,
      () => undefined,
    ),
  );
  expect((await client.sessions.uploads(session)).map(({ name }) => name)).toEqual(['stays']);
  expect(await client.sessions.upload(session, Buffer.from('x'), { name: 'half' })).toMatchObject({
    size: 1,
  });
  await release(session);
});

test('an upload under way is broken off by the release, with the end as the answer; until then nothing is idle', async () => {
  const session = await installation.create({ idleTimeout: 2_000 });
  const began = performance.now();
  const uploading = client.sessions.upload(session, slowly(), { name: 'half' });
  const failed = expect(uploading).rejects.toMatchObject({
    code: 'session_ended',
    endReason: 'released_by_client',
  });
  await pollUntil('more than the idle time-out to pass', { timeoutMs: 10_000, everyMs: 50 }, () =>
    performance.now() - began > 3_000 ? true : undefined,
  );
  expect((await installation.read(session.id)).status).toBe('live');
  await release(session);
  await failed;
});

/** A body that does not end by itself. */
async function* slowly(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield Buffer.alloc(1_000);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
