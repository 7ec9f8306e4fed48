import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sendSignal, systemProcesses } from '../../../src/core/process-identity';
import { fence, KeeperFixture, type TestWorker } from '../../support/keeper-fixture';
import { pollUntil } from '../../support/poll-until';

let fixture: KeeperFixture;
let worker: TestWorker;

beforeEach(async () => {
  fixture = await KeeperFixture.open({ slots: 2 });
  worker = await fixture.worker();
});

afterEach(async () => {
  await fixture.close();
});

/**
 * The pid of the only process that keeps a run directory open as a null browser does. The null browser becomes that
 * process (by exec) right after it has reported that it is ready.
 */
async function nullBrowserPid(): Promise<number> {
  const marker = `dd if=${fixture.dir.path}/`;
  const pids = await pollUntil('the null browser', { timeoutMs: 2_000, everyMs: 5 }, async () => {
    const found = (await systemProcesses.list()).filter(({ commandLine }) => commandLine.startsWith(marker));
    return found.length > 0 ? found.map(({ pid }) => pid) : undefined;
  });
  expect(pids).toHaveLength(1);
  return pids[0] ?? -1;
}

async function leftOnDisk(): Promise<string[]> {
  const root = join(fixture.dir.path, 'run');
  const browsers = (await readdir(root)).filter(name => name.startsWith('b-'));
  return [...browsers, ...(await readdir(join(root, 'records')))];
}

test('a browser is started, listed, closed, and leaves nothing', async () => {
  const claim = fence();
  const endpoint = await worker.launch('t/a', claim);
  expect(endpoint).toMatchObject({ port: 0, path: `/devtools/browser/null-${claim.claimId}`, gateway: null });
  expect(await worker.list()).toEqual([{ ref: 't/a', fence: claim, state: 'running', endpoint, gone: null }]);
  expect(await worker.close('t/a', claim)).toBe(true);
  expect(await worker.list()).toEqual([]);
  expect(await worker.used()).toBe(0);
  expect(await leftOnDisk()).toEqual([]);
  expect(worker.gone).toEqual([]);
});

test('no more browsers are started than there are slots', async () => {
  const claims = [fence(), fence(), fence()];
  const results = await Promise.allSettled(claims.map((claim, i) => worker.launch(`t/${i}`, claim)));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(results[2]).toMatchObject({ reason: { code: 'no_free_slot' } });
  await worker.close('t/0', claims[0] ?? fence());
  await expect(worker.launch('t/3', fence())).resolves.toBeDefined();
});

test('a browser that dies is reported with its cause and remembered until it is forgotten', async () => {
  const claim = fence();
  await worker.launch('t/a', claim);
  sendSignal(await nullBrowserPid(), 'SIGKILL');
  const report = await worker.untilGone('t/a');
  expect(report.gone).toEqual({ cause: 'browser_crashed', message: 'the browser was killed by SIGKILL' });
  await worker.untilIdle();
  expect(await worker.list()).toMatchObject([
    { ref: 't/a', state: 'gone', gone: { cause: 'browser_crashed' } },
  ]);
  await worker.forget('t/a', claim);
  expect(await worker.list()).toEqual([]);
  expect(await leftOnDisk()).toEqual([]);
});

test('an older claim cannot launch, and a newer one ends the older browser', async () => {
  const second = fence(2);
  await worker.launch('t/a', second);
  await expect(worker.launch('t/a', fence(1))).rejects.toMatchObject({ code: 'stale_claim' });
  await expect(worker.launch('t/a', fence(2))).rejects.toMatchObject({ code: 'stale_claim' });
  const third = fence(3);
  await worker.launch('t/a', third);
  expect(await worker.list()).toMatchObject([{ ref: 't/a', fence: third, state: 'running' }]);
  expect(await worker.used()).toBe(1);
});

test('orders under an unknown claim change nothing', async () => {
  const claim = fence();
  await worker.launch('t/a', claim);
  expect(await worker.close('t/a', fence())).toBe(false);
  expect(await worker.close('t/b', claim)).toBe(false);
  await worker.forget('t/a', claim);
  expect(await worker.list()).toMatchObject([{ ref: 't/a', state: 'running' }]);
});

test('a claim passes on once, to a higher fence, and only from the recorded one', async () => {
  const [first, second] = [fence(1), fence(2)];
  await worker.launch('t/a', first);
  const claim = (from: typeof first, to: typeof first) =>
    worker.client.call('claim', { ref: 't/a', from, to }, { timeoutMs: 1_000 });
  await expect(claim(first, fence(1))).rejects.toMatchObject({ code: 'stale_claim' });
  await expect(claim(fence(1), second)).rejects.toMatchObject({ code: 'unknown_claim' });
  await claim(first, second);
  await claim(first, second); // the reply may have been lost
  await expect(claim(first, fence(3))).rejects.toMatchObject({ code: 'unknown_claim' });
  expect(await worker.close('t/a', first)).toBe(false);
  expect(await worker.list()).toMatchObject([{ fence: second }]);
  expect(await worker.close('t/a', second)).toBe(true);
});

test('a close cancels a launch that is under way', async () => {
  const claim = fence();
  const launch = worker.launch('t/a', claim);
  const refused = expect(launch).rejects.toMatchObject({ code: 'launch_cancelled' });
  expect(await worker.close('t/a', claim)).toBe(true);
  await refused;
  expect(await worker.list()).toEqual([]);
  expect(await leftOnDisk()).toEqual([]);
});

test('thirty browsers come and go at once', async () => {
  await fixture.stopKeeper();
  await fixture.startKeeper({ slots: 30 });
  await worker.registration(1);
  const claims = Array.from({ length: 30 }, () => fence());
  await Promise.all(claims.map((claim, i) => worker.launch(`t/${i}`, claim)));
  expect(await worker.used()).toBe(30);
  await Promise.all(claims.map((claim, i) => worker.close(`t/${i}`, claim)));
  expect(await worker.used()).toBe(0);
  expect(await leftOnDisk()).toEqual([]);
});
