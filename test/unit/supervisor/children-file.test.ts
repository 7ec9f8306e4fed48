import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '../../../src/core/logger';
import { ChildrenFile } from '../../../src/supervisor/children-file';
import { makeTempDir, type TempDir } from '../../support/temp-dir';
import { pollUntil } from '../../support/poll-until';

const logged: { level: string; msg: string }[] = [];
const log = createLogger('test', 'info', {
  write: line => void logged.push(JSON.parse(line) as { level: string; msg: string }),
});
const open = (path: string | null, bootId: string): ChildrenFile => new ChildrenFile(path, bootId, log);

let dir: TempDir;
let path: string;
beforeEach(async () => {
  dir = await makeTempDir();
  path = join(dir.path, 'children.json');
  logged.length = 0;
});
afterEach(() => dir.remove());

test('gives a later supervisor of the same boot the processes that run', () => {
  open(path, 'boot').record('keeper', { pid: 7, startedAt: 'then' });
  expect(open(path, 'boot').last('keeper')).toEqual({ pid: 7, startedAt: 'then' });
});

test('is ignored after another boot', () => {
  open(path, 'boot').record('keeper', { pid: 7, startedAt: 'then' });
  expect(open(path, 'next boot').last('keeper')).toBeNull();
});

test('keeps the processes that run, and is removed when none does', () => {
  const file = open(path, 'boot');
  file.record('keeper', { pid: 7, startedAt: 'then' });
  file.record('redis', { pid: 8, startedAt: 'then' });
  file.forget('redis');
  expect(open(path, 'boot').last('keeper')).not.toBeNull();
  file.forget('keeper');
  expect(existsSync(path)).toBe(false);
});

test('that is incomplete counts as none', () => {
  writeFileSync(path, '{"bootId":"boot","chil');
  expect(open(path, 'boot').last('keeper')).toBeNull();
});

test('without a path keeps nothing', () => {
  open(null, 'boot').record('api', { pid: 7, startedAt: 'then' });
  expect(open(null, 'boot').last('api')).toBeNull();
});

test('that cannot be written loses no process, is written when it can be, and logs so once', async () => {
  // A folder at the path of the draft makes every write fail, like a full disk.
  mkdirSync(`${path}.new`);
  const file = open(path, 'boot');
  file.record('keeper', { pid: 7, startedAt: 'then' });
  file.record('worker', { pid: 8, startedAt: 'then' });
  expect(file.last('worker')).toEqual({ pid: 8, startedAt: 'then' });
  rmSync(`${path}.new`, { recursive: true });
  await pollUntil('the file', { timeoutMs: 3_000, everyMs: 10 }, () => (existsSync(path) ? true : undefined));
  expect(open(path, 'boot').last('worker')).toEqual({ pid: 8, startedAt: 'then' });
  expect(logged.map(({ level }) => level)).toEqual(['error', 'info']);
});
