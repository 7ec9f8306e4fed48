import { chmod, lstat, mkdir, readdir, readFile, rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { UploadError, UploadQuota } from '../../../workers/keeper/uploads/upload-quota';
import { DISK, KeeperFixture, fence } from '../../support/keeper-fixture';
import { canMount, SmallDisk } from '../../support/small-disk';
import { makeTempDir, type TempDir } from '../../support/temp-dir';
import { uploadsIn } from '../../support/uploads';
import { pollUntil } from '../../support/poll-until';

/** With HF_SWAP_TRIES=1000 it takes a minute. */
const SWAP_TRIES = Number(process.env['HF_SWAP_TRIES'] ?? 50);

let dir: TempDir;

beforeEach(async () => (dir = await makeTempDir()));
afterEach(() => dir.remove());

const file = (name: string, content = 'content', size: number | null = null) => ({
  name,
  bytes: Readable.from([Buffer.from(content)]),
  size,
});

const left = async (): Promise<string[]> =>
  (
    await Promise.all(['uploads', 'incoming'].map(part => readdir(join(dir.path, part)).catch(() => [])))
  ).flat();

test('the browser can read an upload, but neither change nor add one, nor see one that is incomplete', async () => {
  const before = process.umask(0o077);
  const { path } = await uploadsIn(dir.path).store(file('a.txt'));
  process.umask(before);
  const mode = async (part: string): Promise<number> => (await lstat(join(dir.path, part))).mode & 0o777;
  expect(await Promise.all(['uploads', 'incoming', 'uploads/a.txt'].map(mode))).toEqual([
    0o755, 0o700, 0o644,
  ]);
  expect((await lstat(path)).uid).toBe(process.getuid?.());
});

test.each(['uploads', 'incoming'])('a link in the place of %s is not followed', async part => {
  const elsewhere = join(dir.path, 'elsewhere');
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, 'a.txt'), 'secret');
  await symlink(elsewhere, join(dir.path, part));
  const uploads = uploadsIn(dir.path);
  await expect(uploads.store(file('b.txt'))).rejects.toThrow('is not a folder of the keeper');
  expect([await uploads.list(), await uploads.remove('a.txt')]).toEqual([[], false]);
  expect(await readdir(elsewhere)).toEqual(['a.txt']);
});

test('a link that comes and goes in the place of the folder lets nothing out', async () => {
  const outside = join(dir.path, 'outside');
  const [real, aside] = [join(dir.path, 'uploads'), join(dir.path, 'aside')];
  await mkdir(outside);
  const uploads = uploadsIn(dir.path);
  await uploads.store(file('first'));
  let isOver = false;
  // Whatever fails because the keeper was faster is tried again.
  const attempt = (step: Promise<unknown>): Promise<unknown> => step.catch(() => undefined);
  const swapping = (async () => {
    while (!isOver) {
      await attempt(rename(real, aside));
      await attempt(symlink(outside, real));
      await attempt(unlink(real));
      await attempt(rename(aside, real));
    }
  })();
  let stored = 0;
  for (let n = 0; n < SWAP_TRIES; n += 1) {
    const done = await uploads.store(file('x', '')).then(
      () => true,
      () => false,
    );
    if (done) stored += 1;
    if (done && n % 2 === 0) await uploads.remove('x');
  }
  isOver = true;
  await swapping;
  expect(await readdir(outside)).toEqual([]);
  expect(stored).toBeGreaterThan(0);
});

test.each(['', '.', '..', '../secret', 'a/b', '/etc/passwd', 'a\0b', 'x'.repeat(256)])(
  'a name like %p removes nothing',
  async name => {
    await writeFile(join(dir.path, 'secret'), 'secret');
    const uploads = uploadsIn(dir.path);
    await uploads.store(file('a'));
    expect(await uploads.remove(name)).toBe(false);
    expect(await readFile(join(dir.path, 'secret'), 'utf8')).toBe('secret');
    expect(await left()).toEqual(['a']);
  },
);

test('what an earlier keeper has left incomplete is removed, and what it has stored counts', async () => {
  await uploadsIn(dir.path).store(file('a', 'x'.repeat(600)));
  await writeFile(join(dir.path, 'incoming', 'half'), 'x'.repeat(500));
  const next = uploadsIn(dir.path, { allowance: { claim: () => 1_000 } });
  await next.open();
  expect(await left()).toEqual(['a']);
  await expect(next.store(file('b', 'x'.repeat(401)))).rejects.toMatchObject({ refusal: 'quota' });
  await next.store(file('c', 'x'.repeat(400)));
  expect(await left()).toEqual(['a', 'c']);
});

test('an upload is broken off when the browser ends, and none begins after that', async () => {
  const over = new AbortController();
  const uploads = uploadsIn(dir.path, { over: over.signal });
  const bytes = new PassThrough();
  bytes.write('x');
  const storing = uploads.store({ name: 'a', bytes, size: null });
  const begun = async (): Promise<true | undefined> => ((await left()).length === 1 ? true : undefined);
  await pollUntil('it to begin', { timeoutMs: 5_000, everyMs: 5 }, begun);
  over.abort();
  await expect(storing).rejects.toMatchObject({ refusal: 'gone' });
  await expect(uploads.store(file('b'))).rejects.toMatchObject({ refusal: 'gone' });
  expect(await left()).toEqual([]);
});

test('an upload is broken off when the browser ends before the first byte is read', async () => {
  const over = new AbortController();
  const uploads = uploadsIn(dir.path, { over: over.signal });
  const storing = uploads.store({ name: 'a', bytes: new PassThrough(), size: null });
  over.abort();
  await expect(storing).rejects.toMatchObject({ refusal: 'gone' });
  expect(await left()).toEqual([]);
});

test('an upload whose client goes before the first byte is read is not taken', async () => {
  const bytes = new PassThrough();
  const storing = uploadsIn(dir.path).store({ name: 'a', bytes, size: null });
  bytes.destroy(new Error('the client has gone'));
  await expect(storing).rejects.toThrow('the client has gone');
  expect(await left()).toEqual([]);
});

test('a quota counts files that have announced their size from their beginning', () => {
  const quota = new UploadQuota({ claim: () => 100 });
  const first = quota.begin(80);
  expect(() => quota.begin(21)).toThrow('100 bytes');
  const second = quota.begin(20);
  second.drop();
  first.add(80);
  const unannounced = quota.begin(null);
  unannounced.add(20);
  expect(() => unannounced.add(1)).toThrow('100 bytes');
  unannounced.drop();
  first.add(20);
});

(canMount() ? test : test.skip)('on a full disk a file is not taken, and nothing of it is left', async () => {
  const disk = await SmallDisk.mount(2);
  await chmod(disk.path, 0o755);
  try {
    const uploads = uploadsIn(disk.path, { allowance: { claim: () => 2 ** 30 } });
    const large = Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(2 ** 16)));
    await expect(uploads.store({ name: 'a', bytes: large, size: null })).rejects.toMatchObject({
      refusal: 'disk_full',
    });
    expect(await readdir(join(disk.path, 'incoming'))).toEqual([]);
    expect((await uploads.store(file('b'))).size).toBe(7);
    disk.fill();
    await expect(uploads.store(file('c', 'x'.repeat(10_000)))).rejects.toMatchObject({
      refusal: 'disk_full',
    });
  } finally {
    await disk.remove();
  }
});

test('uploads are gone with the browser, and a worker is told once that one was cut', async () => {
  const keeper = await KeeperFixture.open({ disk: { ...DISK, uploadsMaxBytes: 10 } });
  try {
    const worker = await keeper.worker();
    const claim = fence();
    await worker.launch('default/s1', claim);
    const { uploads } = keeper.app.keeper.browserOf(claim.claimId) ?? {};
    const { path } = (await uploads?.store(file('a', 'x'))) ?? { path: '' };
    for (const name of ['b', 'c']) {
      await expect(uploads?.store(file(name, 'x'.repeat(20)))).rejects.toMatchObject({ refusal: 'quota' });
    }
    const { stats, browsers } = await worker.client.call('list', {}, { timeoutMs: 5_000 });
    expect([stats.uploadsCut, browsers[0]?.hasNewUploadCut]).toEqual([2, true]);
    await worker.client.call(
      'uploadCutHeard',
      { ref: 'default/s1', claimId: claim.claimId },
      { timeoutMs: 5_000 },
    );
    const again = await worker.client.call('list', {}, { timeoutMs: 5_000 });
    expect(again.browsers[0]?.hasNewUploadCut).toBeUndefined();
    await worker.client.call('close', { ref: 'default/s1', claimId: claim.claimId }, { timeoutMs: 10_000 });
    await expect(lstat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    await keeper.close();
  }
});

test('uploads of all sessions of a tenant share its quota, and are counted again by the next keeper', async () => {
  const tenantMaxBytes = (tenant: string): number | null => (tenant === 'acme' ? 10 : null);
  const keeper = await KeeperFixture.open({ disk: { ...DISK, tenantMaxBytes } });
  try {
    const worker = await keeper.worker();
    const claims = new Map<string, string>();
    for (const ref of ['acme/a', 'acme/b', 'beta/a']) {
      const claim = fence();
      claims.set(ref, claim.claimId);
      await worker.launch(ref, claim);
    }
    const store = async (ref: string, name: string, bytes: number): Promise<string> => {
      const { uploads } = keeper.app.keeper.browserOf(claims.get(ref) ?? '') ?? {};
      if (uploads === undefined) throw new Error(`${ref} is not running`);
      return uploads.store(file(name, 'x'.repeat(bytes))).then(
        () => 'taken',
        (error: unknown) => (error instanceof UploadError ? error.refusal : String(error)),
      );
    };
    expect(await store('acme/a', 'a', 7)).toBe('taken');
    expect(await store('acme/b', 'b', 4)).toBe('quota');
    expect(await store('acme/b', 'c', 3)).toBe('taken');
    expect(await store('beta/a', 'd', 11)).toBe('taken');
    const { browsers } = await worker.client.call('list', {}, { timeoutMs: 5_000 });
    expect(browsers.filter(({ hasNewUploadCut }) => hasNewUploadCut).map(({ ref }) => ref)).toEqual([
      'acme/b',
    ]);

    await keeper.stopKeeper();
    await keeper.startKeeper();
    await worker.registration(1);
    const claimId = claims.get('acme/a') ?? '';
    await keeper.app.keeper.browserOf(claimId)?.uploads.remove('none');
    expect(await store('acme/b', 'e', 1)).toBe('quota');
    await worker.client.call('close', { ref: 'acme/a', claimId }, { timeoutMs: 10_000 });
    expect(await store('acme/b', 'e', 7)).toBe('taken');
  } finally {
    await keeper.close();
  }
});
