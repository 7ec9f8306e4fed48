import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import type { Endpoint } from '../../machines/session/session.types';
import { RunDirectory } from '../../workers/keeper/process/run-directory';
import { fence, KeeperFixture, realChromium, type TestWorker } from '../support/keeper-fixture';

/*
 * What a client of one browser can reach of the machine and of another browser, by everything that CDP can read with.
 */

const CANARY = 'a-canary-of-somebody-else';

let fixture: KeeperFixture;
let worker: TestWorker;
let browser: Browser;
let page: Page;
let own: RunDirectory;
let neighbour: RunDirectory;

beforeAll(async () => {
  const isolation = { wanted: 'cage', uids: null, reads: [] } as const;
  fixture = await KeeperFixture.open({ browser: await realChromium(), isolation });
  worker = await fixture.worker();
  const before = await directories();
  const endpoint = await worker.launch('t/mine', fence());
  own = RunDirectory.at(root(), (await directories()).find(name => !before.includes(name)) ?? '');
  await worker.launch('t/theirs', fence());
  neighbour = RunDirectory.at(root(), (await directories()).find(name => name !== own.name) ?? '');
  // Readable for everybody: only the cage hides it.
  await writeFile(join(fixture.dir.path, 'secret'), CANARY, { mode: 0o644 });
  for (const folder of [neighbour.profile, neighbour.downloads, neighbour.tmp])
    await writeFile(join(folder, 'secret'), CANARY, { mode: 0o644 });
  await mkdir(join(fixture.dir.path, 'folder'));
  browser = await connect(endpoint);
}, 60_000);

// The page of an error can still appear after its navigation has failed, in place of what is opened next.
beforeEach(async () => {
  page = await browser.newPage();
});
afterEach(() => page.close());

afterAll(async () => {
  await browser.disconnect();
  await fixture.close();
});

const root = (): string => join(fixture.dir.path, 'run');

const directories = async (): Promise<string[]> =>
  (await readdir(root())).filter(name => name.startsWith('b-'));

async function connect({ port, path }: Endpoint): Promise<Browser> {
  return puppeteer.connect({ browserWSEndpoint: `ws://127.0.0.1:${port}${path}`, defaultViewport: null });
}

/** What a file address shows; null if it does not open. */
async function shown(url: string): Promise<string | null> {
  const answer = await page.goto(url).catch(() => null);
  if (answer === null) return null;
  return String(await page.evaluate('document.documentElement.innerText'));
}

async function pidOf(directory: RunDirectory): Promise<number> {
  return (await directory.cagedPid()) ?? (await directory.pid()) ?? 0;
}

test('no file outside the allow-list can be read, however it is spelled', async () => {
  const secret = join(fixture.dir.path, 'secret');
  const [theirs, keeper] = [await pidOf(neighbour), process.pid];
  const paths = [
    ...[
      '/etc/shadow',
      '/etc/hostname',
      '/etc/machine-id',
      '/etc/fstab',
      '/etc/group-',
      '/etc/ssh/',
      '/root/',
    ],
    ...['/home/', '/run/', '/srv/', '/mnt/', '/boot/', '/var/log/', '/var/lib/', '/var/tmp/', '/sys/kernel/'],
    ...['/usr/../etc/shadow', '//etc//shadow', '/proc/self/root/etc/shadow', '/proc/1/root/etc/shadow'],
    ...[
      `/proc/${theirs}/cwd/`,
      `/proc/${theirs}/root/`,
      `/proc/${theirs}/environ`,
      `/proc/${theirs}/cmdline`,
    ],
    ...[`/proc/${keeper}/cwd/`, `/proc/${keeper}/environ`, `/proc/${keeper}/cmdline`, `/proc/self/cwd/pid`],
    ...[
      secret,
      `/proc/self/root${secret}`,
      `/proc/self/cwd/../../secret`,
      `/proc/self/cwd/exit`,
      `/usr/..${secret}`,
      `/${secret}`,
    ],
    ...[
      join(root(), 'records/'),
      join(root(), 'keeper.sock'),
      join(root(), 'gateway.sock'),
      join(root(), 'kept/'),
    ],
    ...['profile/secret', 'downloads/secret', 'tmp/secret', 'profile/', ''].map(name =>
      join(neighbour.path, name),
    ),
    ...['pid', 'exit', 'log', 'cage', 'incoming/'].map(name => join(own.path, name)),
  ];
  const read: [string, string | null][] = [];
  for (const path of paths) {
    for (const prefix of ['file://', 'file://localhost', 'view-source:file://']) {
      const text = await shown(prefix + path);
      if (text !== null) read.push([prefix + path, text]);
    }
  }
  expect(read).toEqual([]);
}, 120_000);

test('there are no other processes, accounts or sessions', async () => {
  const listing = (await shown('file:///proc/')) ?? '';
  expect(listing).toContain('cpuinfo');
  const pids = [...listing.matchAll(/^(\d+)\//gm)].map(([, pid]) => Number(pid));
  expect(pids.length).toBeLessThan(30);
  expect(await shown('file:///etc/passwd')).not.toContain('/bin/');
  expect((await shown(`file://${root()}/`)) ?? '').not.toContain(neighbour.name);
});

test('what it needs is there: its own files, and fonts, libraries and certificates', async () => {
  await writeFile(join(own.downloads, 'mine'), 'mine', { mode: 0o644 });
  expect(await shown(`file://${own.downloads}/mine`)).toBe('mine');
  expect(await shown('file:///usr/share/')).not.toBeNull();
  expect(await shown('file:///etc/ssl/')).not.toBeNull();
});

test('a file input shows no file outside', async () => {
  await page.setContent('<input type="file">');
  const cdp = await page.createCDPSession();
  const { root: document } = await cdp.send('DOM.getDocument');
  const { nodeId } = await cdp.send('DOM.querySelector', { nodeId: document.nodeId, selector: 'input' });
  const files = ['/etc/shadow', join(fixture.dir.path, 'secret'), join(neighbour.profile, 'secret')];
  for (const file of files) {
    await cdp.send('DOM.setFileInputFiles', { nodeId, files: [file] }).catch(() => undefined);
    const read = `document.querySelector('input').files[0]?.text().catch(() => 'unreadable') ?? 'unreadable'`;
    expect([file, await page.evaluate(read)]).toEqual([file, 'unreadable']);
  }
});

test('a download goes nowhere outside', async () => {
  const cdp = await browser.target().createCDPSession();
  const targets = [neighbour.downloads, join(fixture.dir.path, 'folder'), own.path, '/usr/share'];
  for (const downloadPath of targets) {
    await cdp.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath, eventsEnabled: true });
    const over = new Promise(resolve =>
      cdp.on('Browser.downloadProgress', ({ state }) => state !== 'inProgress' && resolve(state)),
    );
    await page.setContent('<a download="planted.txt" href="data:text/plain,planted">get</a>');
    await page.click('a');
    await over;
    // What it has of such a folder is its own, and goes with the cage.
    expect(await stat(join(downloadPath, 'planted.txt')).catch(() => null)).toBeNull();
  }
  await cdp.detach();
});

test('it has no privileges, and no way to gain any', async () => {
  const status = await readFile(`/proc/${await pidOf(own)}/status`, 'utf8');
  expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
  expect(status).toMatch(/^CapEff:\s+0+$/m);
  expect(status).toMatch(/^CapBnd:\s+0+$/m);
  const namespaces = ['pid', 'mnt', 'ipc', 'user'];
  for (const name of namespaces) {
    const [theirs, ours] = await Promise.all(
      [await pidOf(own), process.pid].map(pid => stat(`/proc/${pid}/ns/${name}`)),
    );
    expect([name, theirs?.ino]).not.toEqual([name, ours?.ino]);
  }
});
