import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sendSignal } from '../../../src/core/process-identity';
import { PLAIN_LAUNCH } from '../../../workers/keeper/door/protocol';
import type { BrowserChoice } from '../../../workers/keeper/keeper-app';
import { RunDirectory } from '../../../workers/keeper/process/run-directory';
import { findHeadlessShell } from '../../support/headless-shell';
import { fence, KeeperFixture, realChromium, type TestWorker } from '../../support/keeper-fixture';
import { pollUntil } from '../../support/poll-until';
import { listProcesses } from '../../support/proc';
import { RawCdp } from '../../support/raw-cdp';

const SLOTS = 2;
const GERMAN = { ...PLAIN_LAUNCH, locale: 'de-DE' };

let fixture: KeeperFixture;
let worker: TestWorker;

beforeEach(async () => {
  fixture = await KeeperFixture.open({ slots: SLOTS, warmBrowsers: 1, browser: await cheapBrowser() });
  worker = await fixture.worker();
  worker.client.expectLaunches(() => true);
});

afterEach(async () => {
  await fixture.close();
});

/* These tests are about what happens to browsers, not about what is in them. */
async function cheapBrowser(): Promise<BrowserChoice> {
  const chromium = await realChromium();
  const shell = findHeadlessShell();
  return chromium.kind === 'chromium' && shell !== null ? { ...chromium, program: shell } : chromium;
}

const runRoot = (): string => join(fixture.dir.path, 'run');

const warm = (): NonNullable<ReturnType<KeeperFixture['app']['keeper']['stats']>['warm']> => {
  const { warm: counts } = fixture.app.keeper.stats();
  if (counts === undefined) throw new Error('the keeper counts no warm browsers');
  return counts;
};

/** Waits until a browser is ready; answers its run directory. */
async function untilReady(): Promise<RunDirectory> {
  const limits = { timeoutMs: 15_000, everyMs: 10 };
  await pollUntil('a warm browser', limits, () => (warm().ready === 1 ? true : undefined));
  const kept = new Set((await readdir(join(runRoot(), 'records'))).map(file => file.replace('.json', '')));
  const [name, ...others] = (await RunDirectory.list(runRoot())).filter(one => !kept.has(one));
  expect(others).toEqual([]);
  return RunDirectory.at(runRoot(), name ?? '');
}

async function pidOf(directory: RunDirectory): Promise<number> {
  const pid = (await directory.cagedPid()) ?? (await directory.pid());
  if (pid === null) throw new Error('there is no browser');
  return pid;
}

/** Waits until nothing names a run directory any more. */
async function untilGone({ path }: RunDirectory): Promise<void> {
  await pollUntil('a browser to be gone', { timeoutMs: 5_000, everyMs: 10 }, async () => {
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    const named = (await listProcesses()).filter(({ commandLine }) => commandLine.includes(`${path}/`));
    return isThere || named.length > 0 ? undefined : true;
  });
}

async function pagesOf({ port, path }: { port: number; path: string }): Promise<string[]> {
  const cdp = await RawCdp.connect(`ws://127.0.0.1:${port}${path}`);
  const { targetInfos } = await cdp.call<{ targetInfos: { type: string; url: string }[] }>(
    'Target.getTargets',
  );
  cdp.socket.terminate();
  return targetInfos.filter(({ type }) => type === 'page').map(({ url }) => url);
}

test('a session gets the browser that was started ahead, with its one page, and no other session does', async () => {
  const directory = await untilReady();
  expect(await worker.list()).toEqual([]);
  expect(await worker.used()).toBe(0);
  expect(await readdir(join(runRoot(), 'records'))).toEqual([]);

  const claim = fence();
  const { endpoint, isWarm } = await worker.launchWarm('t/a', claim);
  expect(isWarm).toBe(true);
  expect(endpoint).toMatchObject(await directory.devTools().then(found => found ?? {}));
  expect(await pagesOf(endpoint)).toEqual(['about:blank']);
  expect(await readdir(join(runRoot(), 'records'))).toEqual([`${directory.name}.json`]);
  expect(await worker.list()).toMatchObject([{ ref: 't/a', fence: claim, state: 'running' }]);
  expect(await worker.used()).toBe(1);

  const next = await untilReady();
  const other = await worker.launchWarm('t/b', fence());
  expect(other.isWarm).toBe(true);
  expect(other.endpoint.path).not.toBe(endpoint.path);
  expect(next.name).not.toBe(directory.name);

  await worker.close('t/a', claim);
  await untilGone(directory);
});

test('the end of such a browser is reported like that of any other', async () => {
  const directory = await untilReady();
  await worker.launchWarm('t/a', fence());
  sendSignal(await pidOf(directory), 'SIGKILL');
  expect((await worker.untilGone('t/a')).gone?.cause).toBe('browser_crashed');
  await untilGone(directory);
});

test('a profile that is to be kept stays when its browser, which was started ahead, is closed', async () => {
  const directory = await untilReady();
  const claim = fence();
  const kept = { ...PLAIN_LAUNCH, profile: { isMounted: false, isKept: true } };
  expect((await worker.launchWarm('t/a', claim, kept)).isWarm).toBe(true);
  const { profile } = await worker.client.call(
    'close',
    { ref: 't/a', claimId: claim.claimId },
    { timeoutMs: 10_000 },
  );
  await untilGone(directory);
  expect(await readdir(profile ?? '')).toContain('Default');
  await worker.forget('t/a', claim);
  await expect(stat(profile ?? '')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('the next one has the shape of the last launch', async () => {
  await untilReady();
  const { isWarm } = await worker.launchWarm('t/a', fence(), GERMAN);
  expect(isWarm).toBe(false);
  const german = await pollUntil('a German browser', { timeoutMs: 15_000, everyMs: 20 }, async () => {
    const directory = await untilReady();
    const found = (await listProcesses()).find(
      ({ commandLine }) =>
        commandLine.includes(`--user-data-dir=${directory.profile}`) &&
        commandLine.includes('--accept-lang=de-DE'),
    );
    return found === undefined ? undefined : directory;
  });
  await worker.launchWarm('t/b', fence(), GERMAN);
  await expect(stat(german.path)).resolves.toBeDefined();
});

test('a browser that is frozen is removed, and the session gets a new one in the same launch', async () => {
  const directory = await untilReady();
  const browser = await pidOf(directory);
  sendSignal(browser, 'SIGSTOP');
  const { isWarm, endpoint } = await worker.launchWarm('t/a', fence());
  expect(isWarm).toBe(false);
  expect(endpoint.path).not.toBe((await directory.devTools())?.path ?? '');
  await untilGone(directory);
  expect(warm().ended.died).toBe(1);
});

test('a browser that dies is replaced', async () => {
  const directory = await untilReady();
  sendSignal(await pidOf(directory), 'SIGKILL');
  await untilGone(directory);
  const next = await untilReady();
  expect(next.name).not.toBe(directory.name);
  expect(warm().ended.died).toBe(1);
});

test('sessions take all slots, and the browser that was started ahead for another shape goes', async () => {
  const directory = await untilReady();
  const [first, second] = [fence(), fence()];
  await worker.launchWarm('t/a', first, GERMAN);
  await worker.launchWarm('t/b', second, GERMAN);
  await untilGone(directory);
  expect(await worker.used()).toBe(SLOTS);
  expect(warm().ready).toBe(0);
  await expect(worker.launchWarm('t/c', fence())).rejects.toMatchObject({ code: 'no_free_slot' });
  await worker.close('t/a', first);
  await untilReady();
});

test('a worker that does not know of them gets none, and has none kept for it', async () => {
  const directory = await untilReady();
  await worker.launch('t/a', fence());
  await expect(stat(directory.path)).resolves.toBeDefined();
  worker.client.expectLaunches(() => false);
  await untilGone(directory);
  expect(warm().ready).toBe(0);
});

test('one that is being closed while it is handed over is closed', async () => {
  const directory = await untilReady();
  const claim = fence();
  const launch = worker.launchWarm('t/a', claim);
  const outcome = expect(launch).rejects.toMatchObject({ code: 'launch_cancelled' });
  await worker.close('t/a', claim);
  await outcome;
  await untilGone(directory);
  expect(await worker.list()).toEqual([]);
});

test('the next keeper removes what an earlier one has started ahead, and starts its own', async () => {
  const directory = await untilReady();
  await fixture.stopKeeper();
  await expect(stat(directory.path)).resolves.toBeDefined();
  await fixture.startKeeper();
  await expect(stat(directory.path)).rejects.toMatchObject({ code: 'ENOENT' });
  await untilGone(directory);
  await worker.registration(1);
  const next = await untilReady();
  expect(next.name).not.toBe(directory.name);
});

test('they end with all others, and none is started without a worker', async () => {
  const directory = await untilReady();
  await worker.client.close();
  await fixture.app.keeper.endAll('the test says so');
  await untilGone(directory);
  expect(await RunDirectory.list(runRoot())).toEqual([]);
});

test('null browsers are never started ahead', async () => {
  await fixture.close();
  fixture = await KeeperFixture.open({ slots: SLOTS, warmBrowsers: 1 });
  worker = await fixture.worker();
  worker.client.expectLaunches(() => true);
  await worker.untilBeats(2);
  expect((await worker.launchWarm('t/a', fence())).isWarm).toBe(false);
  expect(warm().ready).toBe(0);
});
