import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeFolder } from '../../../workers/keeper/process/remove-folder';
import { asRoot } from '../../support/as-root';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

const run = promisify(execFile);

let dir: TempDir;
beforeEach(async () => {
  dir = await makeTempDir();
});
afterEach(() => dir.remove());

const at = (...parts: string[]): string => join(dir.path, ...parts);

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}

test('a folder goes with everything in it: files, folders, pipes, closed folders, and links but not their targets', async () => {
  await mkdir(at('elsewhere'));
  await writeFile(at('elsewhere', 'kept'), 'kept');
  await mkdir(at('b', 'one', 'two'), { recursive: true });
  await writeFile(at('b', 'one', 'file'), 'x');
  await run('mkfifo', [at('b', 'one', 'pipe')]);
  await symlink(at('elsewhere'), at('b', 'one', 'two', 'link'));
  await symlink('/', at('b', 'root'));
  await mkdir(at('b', 'closed'));
  await writeFile(at('b', 'closed', 'file'), 'x');
  await chmod(at('b', 'closed'), 0);
  await removeFolder(at('b'));
  expect(await readdir(dir.path)).toEqual(['elsewhere']);
  expect(await readdir(at('elsewhere'))).toEqual(['kept']);
});

test('what is not there is no error, and a link in the place of the folder is removed alone', async () => {
  await removeFolder(at('never'));
  await mkdir(at('elsewhere'));
  await symlink(at('elsewhere'), at('b'));
  await removeFolder(at('b'));
  expect(await readdir(dir.path)).toEqual(['elsewhere']);
});

test('folders that are nested deeper than a path can say are removed', async () => {
  // 1,100 levels: more than a path has room for, and more than the descriptors of a process.
  await mkdir(at('b'));
  await run('perl', ['-e', 'for (1..1100) { mkdir "ddd" and chdir "ddd" or die $! }'], { cwd: at('b') });
  await removeFolder(at('b'));
  expect(await isThere(at('b'))).toBe(false);
}, 60_000);

asRoot(test)('what cannot be removed is an error of the removal, and nothing goes on after it', async () => {
  await mkdir(at('b', 'sub'), { recursive: true });
  const stuck = ['one', 'two', 'three', 'sub/four'].map(name => at('b', name));
  for (const path of stuck) await writeFile(path, 'x');
  try {
    await run('chattr', ['+i', ...stuck]);
  } catch (error) {
    process.stderr.write(`SKIPPED: a test needs files that cannot be removed (${String(error)})\n`);
    return;
  }
  try {
    // A rejection that nobody waits for would end a keeper; it fails this test.
    await expect(removeFolder(at('b'))).rejects.toThrow(/EPERM|ENOTDIR/);
  } finally {
    await run('chattr', ['-i', ...stuck]);
  }
  await removeFolder(at('b'));
  expect(await isThere(at('b'))).toBe(false);
});

/** Exchanges a folder and a link for each other as fast as it can: renameat2(2) with RENAME_EXCHANGE. */
const EXCHANGE = `
  my $call = { x64 => 316, arm64 => 276 }->{$ARGV[0]} or die;
  my ($one, $other) = ("sub", "link");
  $| = 1; print "ready\\n";
  for (;;) { syscall($call, -100, $one, -100, $other, 2) }
`;

asRoot(describe)('while a process of the folder’s owner exchanges a folder for a link', () => {
  const OWNER = { uid: 65_534, gid: 65_534 };

  async function attack(cwd: string): Promise<ChildProcess> {
    const attacker = spawn('perl', ['-e', EXCHANGE, process.arch], { cwd, ...OWNER });
    await once(attacker.stdout, 'data');
    return attacker;
  }

  test('nothing outside is removed', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `file-${i}`);
    await mkdir(at('elsewhere'));
    for (const name of names) await writeFile(at('elsewhere', name), 'root’s');
    for (let round = 0; round < 6; round += 1) {
      const inside = at('b', 'profile');
      await mkdir(join(inside, 'sub'), { recursive: true });
      for (const name of names) await writeFile(join(inside, 'sub', name), 'x');
      await symlink(at('elsewhere'), join(inside, 'link'));
      await chown(inside, OWNER.uid, OWNER.gid);
      await chown(join(inside, 'sub'), OWNER.uid, OWNER.gid);
      const attacker = await attack(inside);
      const gone = once(attacker, 'exit');
      try {
        await removeFolder(at('b'));
      } finally {
        attacker.kill('SIGKILL');
        await gone;
      }
      expect(await readdir(at('elsewhere'))).toHaveLength(names.length);
      expect(await isThere(at('b'))).toBe(false);
    }
  }, 60_000);
});
