import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hostIdOf, prepareRunRoot, runRootFor } from '../../../workers/keeper/process/run-root';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

const STRANGER = { uid: 64_000, gid: 64_000 };

let dir: TempDir;

beforeEach(async () => {
  dir = await makeTempDir();
});

afterEach(async () => {
  await dir.remove();
});

test('the data folder is used if the browser can pass through it', async () => {
  expect(await runRootFor(dir.path, STRANGER)).toBe(join(dir.path, 'run'));
});

test('a data folder that is closed to the browser, or too deep for its sockets, is not used', async () => {
  const closed = join(dir.path, 'closed');
  await mkdir(closed, { mode: 0o700 });
  const deep = join(dir.path, 'a-folder-with-a-long-name');
  await mkdir(deep, { mode: 0o711 });
  for (const dataDir of [closed, deep]) {
    const root = await runRootFor(dataDir, STRANGER);
    expect(root.startsWith(dataDir)).toBe(false);
    expect(await runRootFor(dataDir, STRANGER)).toBe(root);
  }
  expect(await runRootFor(closed, STRANGER)).not.toBe(await runRootFor(deep, STRANGER));
});

test('the notation of the data folder’s path does not matter', async () => {
  const closed = join(dir.path, 'closed');
  await mkdir(closed, { mode: 0o700 });
  await symlink(closed, join(dir.path, 'link'));
  expect(await runRootFor(join(dir.path, 'link'), STRANGER)).toBe(await runRootFor(closed, STRANGER));
});

test('browsers can enter the run root but not list it, whatever the umask', async () => {
  const mask = process.umask(0o077);
  try {
    await prepareRunRoot(join(dir.path, 'holdfast', basename(dir.path)));
  } finally {
    process.umask(mask);
  }
  for (const path of ['holdfast', join('holdfast', basename(dir.path))]) {
    expect((await stat(join(dir.path, path))).mode & 0o777).toBe(0o711);
  }
});

test('a run root that is a link or a file is refused', async () => {
  await mkdir(join(dir.path, 'elsewhere'));
  await symlink(join(dir.path, 'elsewhere'), join(dir.path, 'link'));
  await expect(prepareRunRoot(join(dir.path, 'link'))).rejects.toThrow('not a folder of this user');
  await writeFile(join(dir.path, 'file'), '');
  await expect(prepareRunRoot(join(dir.path, 'file'))).rejects.toThrow();
});

test('the host id is made once, and anew on another machine', async () => {
  const first = await hostIdOf(dir.path);
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  expect(await hostIdOf(dir.path)).toBe(first);
  const file = join(dir.path, 'host-id');
  expect((await readFile(file, 'utf8')).split('\n')[0]).toBe(first);
  await writeFile(file, `${first}\nanother-machine\n`);
  expect(await hostIdOf(dir.path)).not.toBe(first);
});

test('a half-written host id is replaced', async () => {
  await writeFile(join(dir.path, 'host-id'), '');
  await chmod(join(dir.path, 'host-id'), 0o600);
  expect(await hostIdOf(dir.path)).toMatch(/^[0-9a-f-]{36}$/);
});
