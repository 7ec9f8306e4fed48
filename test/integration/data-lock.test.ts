import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemProcesses, type ProcessTable } from '../../src/core/process-identity';
import { AlreadyRunningError, DataLock, livingHolder } from '../../src/supervisor/data-lock';
import { makeTempDir, type TempDir } from '../support/temp-dir';

let dir: TempDir;
let path: string;
beforeEach(async () => {
  dir = await makeTempDir();
  path = join(dir.path, 'supervisor.lock');
});
afterEach(() => dir.remove());

const acquire = (table: ProcessTable = systemProcesses): Promise<DataLock> =>
  DataLock.acquire(path, table, 'http://here');

/** The lock of a process that has gone. */
async function leaveStale(path: string): Promise<void> {
  const bootId = await systemProcesses.bootId();
  await writeFile(path, JSON.stringify({ pid: process.pid, startedAt: 'another life', bootId, url: null }));
}

test('names its holder to a second process', async () => {
  const lock = await acquire();
  await expect(acquire()).rejects.toThrow(AlreadyRunningError);
  await expect(acquire()).rejects.toThrow(`already running at http://here (pid ${process.pid})`);
  await lock.announce('http://there');
  await expect(acquire()).rejects.toThrow('already running at http://there');
});

test('is free again after its release, and leaves nothing', async () => {
  await (await acquire()).release();
  expect(await livingHolder(path, systemProcesses)).toBeNull();
  expect(await readdir(dir.path)).toEqual([]);
});

test('of a dead process is taken by exactly one of many starters', async () => {
  await leaveStale(path);
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => acquire()));
  expect(outcomes.filter(outcome => outcome.status === 'fulfilled')).toHaveLength(1);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(AlreadyRunningError);
  }
  expect(await readdir(dir.path)).toEqual(['supervisor.lock']);
});

test('is taken over although an earlier take-over was interrupted', async () => {
  await leaveStale(path);
  await leaveStale(`${path}.takeover`);
  await acquire();
  expect(await livingHolder(path, systemProcesses)).toMatchObject({ pid: process.pid });
});

test('of an earlier boot is stale even if the same pid lives', async () => {
  await acquire({ ...systemProcesses, bootId: () => Promise.resolve('an earlier boot') });
  await acquire();
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ bootId: await systemProcesses.bootId() });
});

test('is stale when its file is incomplete', async () => {
  await writeFile(path, '{"pid":');
  await acquire();
  expect(await livingHolder(path, systemProcesses)).toMatchObject({ pid: process.pid });
});
