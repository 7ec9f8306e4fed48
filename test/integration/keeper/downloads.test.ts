import { spawnSync } from 'node:child_process';
import { link, mkdir, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DOWNLOADS_LISTED_MAX,
  listDownloads,
  openDownload,
  renameDownload,
} from '../../../workers/keeper/downloads/downloads';
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

test('files of another user are not found, under any name in the folder', async () => {
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

test('a list of more than 1 000 files is cut off', async () => {
  const names = Array.from({ length: DOWNLOADS_LISTED_MAX + 5 }, (_, i) => join(folder, `f${i}`));
  await Promise.all(names.map(async path => writeFile(path, '')));
  expect(await namesIn()).toHaveLength(DOWNLOADS_LISTED_MAX);
});

test('a file gets the requested name, or the next free one, and overwrites no other file', async () => {
  const named: string[] = [];
  for (const [guid, wished] of [
    ['g1', 'a.txt'],
    ['g2', 'a.txt'],
    ['g3', 'a.txt'],
    ['g4', 'none'],
    ['g5', 'none'],
  ] as const) {
    await writeFile(join(folder, guid), guid);
    named.push(await renameDownload(folder, guid, wished, UID));
  }
  expect(named).toEqual(['a.txt', 'a (1).txt', 'a (2).txt', 'none', 'none (1)']);
  expect(await namesIn()).toEqual(['a (1).txt', 'a (2).txt', 'a.txt', 'none', 'none (1)']);
  expect(await contentOf('a.txt')).toBe('g1');
});

test.each(['../escape', 'a/b', '', '..', 'x'.repeat(256), 'later.crdownload'])(
  'a file that is to be named %p keeps its name',
  async wished => {
    await writeFile(join(folder, 'g1'), 'content');
    expect(await renameDownload(folder, 'g1', wished, UID)).toBe('g1');
    expect(await namesIn()).toEqual(['g1']);
  },
);

test('only files of the browser’s user in this folder are renamed', async () => {
  await writeFile(join(dir.path, 'secret'), 'secret');
  await symlink(join(dir.path, 'secret'), join(folder, 'link'));
  await writeFile(join(folder, 'g1'), 'content');
  expect(await renameDownload(folder, '../secret', 'a', UID)).toBe('../secret');
  expect(await renameDownload(folder, 'link', 'a', UID)).toBe('link');
  expect(await renameDownload(folder, 'g1', 'a', UID + 1)).toBe('g1');
  expect(await renameDownload(folder, 'gone', 'a', UID)).toBe('gone');
  expect((await readdir(folder)).sort()).toEqual(['g1', 'link']);
});
