import { spawnSync } from 'node:child_process';
import { link, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DOWNLOADS_LISTED_MAX, listDownloads, openDownload } from '../../../workers/keeper/downloads';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

const UID = process.getuid?.() ?? 0;

let dir: TempDir;
let folder: string;

beforeEach(async () => {
  dir = await makeTempDir();
  folder = join(dir.path, 'downloads');
  await mkdir(folder);
});

afterEach(() => dir.remove());

async function contentOf(name: string, uid = UID): Promise<string | null> {
  const download = await openDownload(folder, name, uid);
  if (download === null) return null;
  const content = await download.file.readFile('utf8');
  await download.file.close();
  return content;
}

const namesIn = async (uid = UID): Promise<string[]> =>
  (await listDownloads(folder, uid)).map(({ name }) => name);

test('files are listed by name with size and time, unfinished ones marked', async () => {
  await writeFile(join(folder, 'b.txt'), 'four');
  await utimes(join(folder, 'b.txt'), 1_000, 2_000.5);
  await writeFile(join(folder, 'Unconfirmed 1.crdownload'), 'x');
  await writeFile(join(folder, 'ä ü.bin'), '');
  const downloads = await listDownloads(folder, UID);
  expect(downloads.map(({ name, size, isComplete }) => [name, size, isComplete])).toEqual([
    ['Unconfirmed 1.crdownload', 1, false],
    ['b.txt', 4, true],
    ['ä ü.bin', 0, true],
  ]);
  expect(downloads[1]?.modifiedAtMs).toBe(2_000_500);
});

test('a finished file is opened, one that is still written is not', async () => {
  await writeFile(join(folder, 'a.txt'), 'content');
  await writeFile(join(folder, 'a.crdownload'), 'cont');
  expect(await contentOf('a.txt')).toBe('content');
  expect(await contentOf('a.crdownload')).toBeNull();
  expect(await contentOf('other.txt')).toBeNull();
});

test('nothing but regular files is listed or opened, and nothing waits', async () => {
  await writeFile(join(dir.path, 'secret'), 'secret');
  await symlink(join(dir.path, 'secret'), join(folder, 'link'));
  await symlink('/dev/zero', join(folder, 'device'));
  await mkdir(join(folder, 'folder'));
  expect(spawnSync('mkfifo', [join(folder, 'pipe')]).status).toBe(0);
  expect(await namesIn()).toEqual([]);
  for (const name of ['link', 'device', 'folder', 'pipe']) expect(await contentOf(name)).toBeNull();
});

test('files of another user are not there, whatever name they have in here', async () => {
  await writeFile(join(dir.path, 'of-the-keeper'), 'secret');
  await link(join(dir.path, 'of-the-keeper'), join(folder, 'hard-link'));
  expect(await namesIn(UID + 1)).toEqual([]);
  expect(await contentOf('hard-link', UID + 1)).toBeNull();
});

test.each(['', '.', '..', '../secret', 'a/b', '/etc/passwd', 'a\0b', 'x'.repeat(256)])(
  'a name like %p opens nothing',
  async name => {
    await writeFile(join(dir.path, 'secret'), 'secret');
    expect(await contentOf(name)).toBeNull();
  },
);

test('a folder that has become a link, or is gone, is empty', async () => {
  const elsewhere = join(dir.path, 'elsewhere');
  await rename(folder, elsewhere);
  await writeFile(join(elsewhere, 'secret'), 'secret');
  expect(await listDownloads(folder, UID)).toEqual([]);
  await symlink(elsewhere, folder);
  expect(await listDownloads(folder, UID)).toEqual([]);
  expect(await contentOf('secret')).toBeNull();
  await rm(folder);
});

test('a folder with more files than anybody wants is cut off', async () => {
  const names = Array.from({ length: DOWNLOADS_LISTED_MAX + 5 }, (_, i) => join(folder, `f${i}`));
  await Promise.all(names.map(async path => writeFile(path, '')));
  expect(await namesIn()).toHaveLength(DOWNLOADS_LISTED_MAX);
});
