import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findChromium } from '../../../workers/keeper/process/find-chromium';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

let dir: TempDir;

beforeEach(async () => {
  dir = await makeTempDir();
});

afterEach(async () => {
  await dir.remove();
});

async function program(name: string, content = 'a binary', mode = 0o755): Promise<string> {
  const path = join(dir.path, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

function find(folders: string[], cacheDirs: string[] = []): Promise<string | null> {
  const searchPath = folders.map(folder => join(dir.path, folder)).join(':');
  return findChromium({
    configured: null,
    searchPath,
    cacheDirs: cacheDirs.map(cache => join(dir.path, cache)),
  });
}

test("the operator's choice is the only candidate", async () => {
  await program('bin/chromium');
  const mine = await program('mine');
  const search = { searchPath: join(dir.path, 'bin'), cacheDirs: [] };
  expect(await findChromium({ ...search, configured: mine })).toBe(mine);
  expect(await findChromium({ ...search, configured: join(dir.path, 'missing') })).toBeNull();
});

test('Chromium is taken before Chrome, wherever on the PATH they are', async () => {
  await program('a/google-chrome');
  const chromium = await program('b/chromium');
  expect(await find(['a', 'b'])).toBe(chromium);
});

test('a file that cannot be executed is not taken', async () => {
  await program('a/chromium', 'text', 0o644);
  const chrome = await program('a/google-chrome-stable');
  expect(await find(['a'])).toBe(chrome);
});

test('a script that starts the snap is not taken', async () => {
  const chrome = await program('b/google-chrome');
  await program('a/chromium-browser', '#!/bin/sh\nexec /snap/bin/chromium "$@"\n');
  expect(await find(['a', 'b'])).toBe(chrome);
});

test('the newest build in the cache is the last resort', async () => {
  await program('cache/chrome/linux-99.0.1/chrome-linux64/chrome');
  const newest = await program('cache/chrome/linux-141.0.2/chrome-linux64/chrome');
  expect(await find(['nowhere'], ['empty', 'cache'])).toBe(newest);
});

test('the headless shell is a browser of its own, found in the same places', async () => {
  await program('a/chromium');
  await program('cache/chrome/linux-141.0.2/chrome-linux64/chrome');
  const search = { configured: null, searchPath: join(dir.path, 'a'), cacheDirs: [join(dir.path, 'cache')] };
  expect(await findChromium(search, 'chromium-headless-shell')).toBeNull();
  const shell = 'chrome-headless-shell-linux64/chrome-headless-shell';
  const cached = await program(`cache/chrome-headless-shell/linux-141.0.2/${shell}`);
  expect(await findChromium(search, 'chromium-headless-shell')).toBe(cached);
  const installed = await program(
    'a/chromium-headless-shell',
    '#!/bin/sh\nexec /opt/mine/shell --flag "$@"\n',
  );
  expect(await findChromium(search, 'chromium-headless-shell')).toBe(installed);
});

test('without a browser nothing is found', async () => {
  expect(await find(['nowhere'])).toBeNull();
});
