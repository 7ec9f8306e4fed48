import { chmod, link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measureTree } from '../../../workers/keeper/process/measure-tree';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

/* What is on the disk below a folder that a hostile browser can write to. */

const KIB = 1_024;
const ENOUGH = 2 ** 40;

let dir: TempDir;
let profile: string;
beforeEach(async () => {
  dir = await makeTempDir();
  profile = join(dir.path, 'profile');
  await mkdir(join(profile, 'Default/Cache'), { recursive: true });
  await writeFile(join(profile, 'Default/Cache/data'), Buffer.alloc(500 * KIB, 1));
});
afterEach(() => dir.remove());

const measured = (stopAboveBytes = ENOUGH): Promise<number> => measureTree(profile, stopAboveBytes);

/* Folders and names take some kilobytes of their own. */
const expectKib = async (from: number, to: number): Promise<void> => {
  const kib = (await measured()) / KIB;
  expect(kib).toBeGreaterThanOrEqual(from);
  expect(kib).toBeLessThanOrEqual(to);
};

test('is the sum of all files, however deep', async () => {
  await expectKib(500, 520);
  await writeFile(join(profile, 'more'), Buffer.alloc(300 * KIB, 1));
  await expectKib(800, 820);
});

test('is what is on the disk, not what a file claims to be', async () => {
  await writeFile(join(profile, 'sparse'), '');
  await truncate(join(profile, 'sparse'), 2 ** 40);
  await expectKib(500, 530);
});

test('counts a file of several names once, and each of the names', async () => {
  for (let n = 0; n < 100; n += 1)
    await link(join(profile, 'Default/Cache/data'), join(profile, `name-${n}`));
  await expectKib(600, 640);
});

test('follows no link, neither to a file nor to a folder', async () => {
  await mkdir(join(dir.path, 'elsewhere'));
  await writeFile(join(dir.path, 'elsewhere/large'), Buffer.alloc(900 * KIB, 1));
  await symlink(join(dir.path, 'elsewhere'), join(profile, 'folder'));
  await symlink(join(dir.path, 'elsewhere/large'), join(profile, 'file'));
  await symlink('.', join(profile, 'itself'));
  await expectKib(500, 530);
  await symlink(profile, join(dir.path, 'replaced'));
  expect(await measureTree(join(dir.path, 'replaced'), ENOUGH)).toBe(0);
});

test('counts empty files, too: they take inodes', async () => {
  for (let n = 0; n < 300; n += 1) await writeFile(join(profile, `empty-${n}`), '');
  await expectKib(800, 840);
});

test('stops as soon as it is too much', async () => {
  for (let n = 0; n < 20; n += 1) await writeFile(join(profile, `part-${n}`), Buffer.alloc(100 * KIB, 1));
  const bytes = await measured(600 * KIB);
  expect(bytes).toBeGreaterThan(600 * KIB);
  expect(bytes).toBeLessThan(1_300 * KIB);
});

test('is more than any limit where it is nested too deeply to be read', async () => {
  const deep = join(profile, ...Array.from({ length: 80 }, () => 'd'));
  await mkdir(deep, { recursive: true });
  expect(await measured()).toBe(Infinity);
});

// Root can read it all the same, and does.
(process.getuid?.() === 0 ? test.skip : test)('is more than any limit where a folder is closed', async () => {
  await chmod(join(profile, 'Default'), 0o000);
  expect(await measured()).toBe(Infinity);
  await chmod(join(profile, 'Default'), 0o700);
});

test('leaves out what it is told to, and is nothing where there is nothing', async () => {
  await writeFile(join(profile, 'a-download'), Buffer.alloc(300 * KIB, 1));
  const rest = await measureTree(profile, ENOUGH, (entry, depth) => depth === 0 && entry.isFile());
  expect(rest).toBeLessThan(520 * KIB);
  expect(await measureTree(join(dir.path, 'none'), ENOUGH)).toBe(0);
});
