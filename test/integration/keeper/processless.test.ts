import { createLogger } from '../../../src/core/logger';
import { systemClock } from '../../../src/core/clock';
import { systemProcesses } from '../../../src/core/process-identity';
import { openProcessless, type ProcesslessApp } from '../../../workers/keeper/processless/open-processless';
import { fence, TestWorker } from '../../support/keeper-fixture';
import { listProcesses } from '../../support/proc';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

/* The keeper of `HOLDFAST_BROWSER=none`, asked as a worker asks. */

const SLOTS = 2;
const log = createLogger('keeper', 'silent');

let dir: TempDir;
let app: ProcesslessApp;
let worker: TestWorker;

beforeEach(async () => {
  dir = await makeTempDir();
  app = await openProcessless({
    dataDir: dir.path,
    slots: SLOTS,
    processes: systemProcesses,
    clock: systemClock,
    log,
  });
  worker = new TestWorker(app.socketPath, { pid: 1, startedAt: 'never' }, log);
  await worker.connect();
});

afterEach(async () => {
  await worker.client.close();
  await app.close();
  await dir.remove();
});

test('a browser is an entry in the books, and no process', async () => {
  const claim = fence();
  const endpoint = await worker.launch('t/a', claim);
  expect(await worker.list()).toEqual([{ ref: 't/a', fence: claim, state: 'running', endpoint, gone: null }]);
  expect((await listProcesses()).filter(({ commandLine }) => commandLine.includes(dir.path))).toEqual([]);
  expect(await worker.close('t/a', claim)).toBe(true);
  expect(await worker.close('t/a', claim)).toBe(false);
  expect(await worker.list()).toEqual([]);
});

test('no two browsers have the same address', async () => {
  const [first, second] = [await worker.launch('t/a', fence()), await worker.launch('t/b', fence())];
  expect(first.path).not.toBe(second.path);
});

test('sessions never exceed the slots (I12)', async () => {
  const claim = fence();
  await worker.launch('t/a', claim);
  await worker.launch('t/b', fence());
  expect(await worker.used()).toBe(SLOTS);
  await expect(worker.launch('t/c', fence())).rejects.toMatchObject({ code: 'no_free_slot' });
  await worker.close('t/a', claim);
  await worker.launch('t/c', fence());
  expect(await worker.used()).toBe(SLOTS);
});

test('only the recorded claim gives orders, and claims only rise (I6)', async () => {
  const [older, newer] = [fence(3), fence(4)];
  await worker.launch('t/a', older);
  const claim = (from: typeof older, to: typeof older): Promise<unknown> =>
    worker.client.call('claim', { ref: 't/a', from, to }, { timeoutMs: 1_000 });
  await expect(claim(fence(2), newer)).rejects.toMatchObject({ code: 'unknown_claim' });
  await expect(claim(older, fence(3))).rejects.toMatchObject({ code: 'stale_claim' });
  await claim(older, newer);
  await claim(older, newer);
  expect(await worker.close('t/a', older)).toBe(false);
  await expect(worker.launch('t/a', older)).rejects.toMatchObject({ code: 'stale_claim' });
  expect(await worker.close('t/a', newer)).toBe(true);
});

test('a launch under a newer claim takes the place of the earlier browser', async () => {
  const [older, newer] = [fence(1), fence(2)];
  const first = await worker.launch('t/a', older);
  const second = await worker.launch('t/a', newer);
  expect(second.path).not.toBe(first.path);
  expect(await worker.used()).toBe(1);
});

test('a stopped keeper launches nothing more', async () => {
  app.keeper.stop();
  await expect(worker.launch('t/a', fence())).rejects.toMatchObject({ code: 'launch_cancelled' });
});
