import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChildrenFile } from '../../../src/supervisor/children-file';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

let dir: TempDir;
let path: string;
beforeEach(async () => {
  dir = await makeTempDir();
  path = join(dir.path, 'children.json');
});
afterEach(() => dir.remove());

test('tells a later supervisor of the same boot who is there', () => {
  new ChildrenFile(path, 'boot').record('keeper', { pid: 7, startedAt: 'then' });
  expect(new ChildrenFile(path, 'boot').last('keeper')).toEqual({ pid: 7, startedAt: 'then' });
});

test('tells nothing of another boot', () => {
  new ChildrenFile(path, 'boot').record('keeper', { pid: 7, startedAt: 'then' });
  expect(new ChildrenFile(path, 'next boot').last('keeper')).toBeNull();
});

test('is gone when everybody has gone, and keeps whoever has not', () => {
  const file = new ChildrenFile(path, 'boot');
  file.record('keeper', { pid: 7, startedAt: 'then' });
  file.record('redis', { pid: 8, startedAt: 'then' });
  file.forget('redis');
  expect(new ChildrenFile(path, 'boot').last('keeper')).not.toBeNull();
  file.forget('keeper');
  expect(existsSync(path)).toBe(false);
});

test('that is torn counts as none', () => {
  writeFileSync(path, '{"bootId":"boot","chil');
  expect(new ChildrenFile(path, 'boot').last('keeper')).toBeNull();
});

test('without a path keeps nothing', () => {
  new ChildrenFile(null, 'boot').record('api', { pid: 7, startedAt: 'then' });
  expect(new ChildrenFile(null, 'boot').last('api')).toBeNull();
});
