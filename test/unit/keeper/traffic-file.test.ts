import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  dropTraffic,
  openTrafficFile,
  readBeat,
  readTraffic,
  removeUnknownTraffic,
} from '../../../workers/keeper/companions/traffic-file';
import { RunDirectory } from '../../../workers/keeper/process/run-directory';
import { recordsFolder } from '../../../workers/keeper/process/run-root';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

const GOOD = { sentBytes: 1, receivedBytes: 2, refused: 3, refusedHosts: ['a.test', '[::1]'] };

let root: TempDir;
let directory: RunDirectory;

beforeEach(async () => {
  root = await makeTempDir();
  directory = RunDirectory.at(root.path, 'b-000001');
  await mkdir(recordsFolder(root.path));
});
afterEach(() => root.remove());

async function report(content: unknown): Promise<void> {
  const file = await openTrafficFile(directory);
  await file.write(JSON.stringify(content), 0);
  await file.close();
}

test('what a forward proxy has reported is read, and gone with its file', async () => {
  expect(await readTraffic(directory)).toBeNull();
  await report(GOOD);
  expect(await readTraffic(directory)).toEqual(GOOD);
  await dropTraffic(directory);
  expect(await readTraffic(directory)).toBeNull();
});

test('a report has a beat, and one of an earlier version has none', async () => {
  await report(GOOD);
  expect(await readBeat(directory)).toBeNull();
  await report({ ...GOOD, beat: 7 });
  expect([await readBeat(directory), await readTraffic(directory)]).toEqual([7, GOOD]);
});

test.each([
  ['counts that are none', { ...GOOD, sentBytes: -1 }],
  ['fractions', { ...GOOD, refused: 0.5 }],
  ['sums that no whole number holds', { ...GOOD, receivedBytes: 1e18 }],
  ['more hosts than are kept', { ...GOOD, refusedHosts: Array.from({ length: 11 }, (_, i) => `h${i}`) }],
  ['a host that is too long', { ...GOOD, refusedHosts: ['a'.repeat(254)] }],
  ['a host with a line break', { ...GOOD, refusedHosts: ['a\nb'] }],
  ['a URL for a host', { ...GOOD, refusedHosts: [{ url: 'http://a' }] }],
  ['nothing', ''],
])('a report with %s is not believed', async (_what, content) => {
  await report(content);
  expect(await readTraffic(directory)).toBeNull();
});

test('reports of browsers without a record are removed, and nothing else', async () => {
  const folder = recordsFolder(root.path);
  for (const name of ['b-000001.traffic', 'b-000002.traffic', 'b-000002.json'])
    await writeFile(join(folder, name), '');
  await removeUnknownTraffic(root.path, new Set(['b-000001']));
  expect((await readdir(folder)).sort()).toEqual(['b-000001.traffic', 'b-000002.json']);
});
