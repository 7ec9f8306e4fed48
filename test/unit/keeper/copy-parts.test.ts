import { execFile } from 'node:child_process';
import { link, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { copyPart } from '../../../workers/keeper/process/copy-parts';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

let dir: TempDir;
beforeEach(async () => {
  dir = await makeTempDir();
  await mkdir(at('elsewhere'));
  await writeFile(at('elsewhere', 'secret'), 'secret');
  await mkdir(at('profile', 'Default', 'Storage'), { recursive: true });
  await writeFile(at('profile', 'Default', 'Storage', 'file'), 'kept');
});
afterEach(() => dir.remove());

const at = (...parts: string[]): string => join(dir.path, ...parts);

test('folders and files are copied, and a part that does not exist is left out', async () => {
  await copyPart(at('profile'), 'Default/Storage', at('copy', 'Default/Storage'));
  await copyPart(at('profile'), 'Default/Never', at('copy', 'Default/Never'));
  expect(await readdir(at('copy'), { recursive: true })).toEqual([
    'Default',
    'Default/Storage',
    'Default/Storage/file',
  ]);
  expect(await readFile(at('copy', 'Default/Storage/file'), 'utf8')).toBe('kept');
});

(process.platform === 'linux' ? test : test.skip)(
  'no link is followed, wherever in the path it is, and neither pipes nor second names of files are copied',
  async () => {
    const inside = at('profile', 'Default', 'Storage');
    await symlink(at('elsewhere'), join(inside, 'folder'));
    await symlink(at('elsewhere', 'secret'), join(inside, 'linked'));
    await link(at('elsewhere', 'secret'), join(inside, 'second-name'));
    await promisify(execFile)('mkfifo', [join(inside, 'pipe')]);
    await copyPart(at('profile'), 'Default/Storage', at('copy', 'Storage'));
    expect(await readdir(at('copy', 'Storage'))).toEqual(['file']);
    await symlink(at('elsewhere'), at('profile', 'Planted'));
    await copyPart(at('profile'), 'Planted/secret', at('copy', 'secret'));
    await copyPart(at('profile'), 'Planted', at('copy', 'Planted'));
    expect(await readdir(at('copy'))).toEqual(['Storage']);
  },
);
