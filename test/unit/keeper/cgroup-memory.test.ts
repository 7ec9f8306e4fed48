import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMemory } from '../../../workers/keeper/admission/cgroup-memory';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

const MIB = 2 ** 20;

let tree: TempDir;
beforeEach(async () => (tree = await makeTempDir()));
afterEach(() => tree.remove());

function write(path: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(tree.path, path), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(tree.path, path, name), text);
}

test('cached files of a container are available, what its processes have is not', async () => {
  write('', {
    'memory.max': `${1_000 * MIB}\n`,
    'memory.current': `${900 * MIB}\n`,
    'memory.stat': `anon ${300 * MIB}\ninactive_file ${550 * MIB}\nactive_file ${50 * MIB}\n`,
  });
  expect(await cgroupMemory({ version: 2, folder: tree.path, path: '/' })).toEqual({
    limitBytes: 1_000 * MIB,
    availableBytes: 650 * MIB,
  });
});

test('the tightest of all limits above a process counts', async () => {
  write('', { 'memory.stat': 'anon 0\n' });
  write('a', { 'memory.max': `${500 * MIB}\n`, 'memory.current': `${450 * MIB}\n` });
  write('a/holdfast', { 'memory.max': 'max\n', 'memory.current': `${100 * MIB}\n` });
  const own = { version: 2 as const, folder: join(tree.path, 'a/holdfast'), path: '/a/holdfast' };
  expect(await cgroupMemory(own)).toEqual({ limitBytes: 500 * MIB, availableBytes: 50 * MIB });
});

test('version 1 is read by its own names, and its largest number is no limit', async () => {
  write('', { 'memory.limit_in_bytes': '9223372036854771712\n', 'memory.usage_in_bytes': '5\n' });
  write('b', {
    'memory.limit_in_bytes': `${100 * MIB}\n`,
    'memory.usage_in_bytes': `${120 * MIB}\n`,
    'memory.stat': `inactive_file 1\ntotal_inactive_file ${10 * MIB}\n`,
  });
  expect(await cgroupMemory({ version: 1, folder: join(tree.path, 'b'), path: '/b' })).toEqual({
    limitBytes: 100 * MIB,
    availableBytes: 0,
  });
  expect(await cgroupMemory({ version: 1, folder: tree.path, path: '/' })).toBeNull();
});
