import { readdir, stat } from 'node:fs/promises';
import { createLogger } from '../../../src/core/logger';
import { sendSignal } from '../../../src/core/process-identity';
import { PLAIN_LAUNCH } from '../../../workers/keeper/door/protocol';
import { RunDirectory } from '../../../workers/keeper/process/run-directory';
import { fence } from '../../support/keeper-fixture';
import { pollUntil } from '../../support/poll-until';
import { listProcesses } from '../../support/proc';
import { canMount, SmallDisk } from '../../support/small-disk';
import { pidOf, untilGone, WarmFixture } from '../../support/warm-fixture';

const GERMAN = { ...PLAIN_LAUNCH, locale: 'de-DE' };

let warm: WarmFixture;

beforeEach(async () => {
  warm = await WarmFixture.open();
});

afterEach(async () => {
  await warm.close();
});

test('the end of such a browser is reported like that of any other', async () => {
  const directory = await warm.untilReady();
  await warm.worker.launchWarm('t/a', fence());
  sendSignal(await pidOf(directory), 'SIGKILL');
  expect((await warm.worker.untilGone('t/a')).gone?.cause).toBe('browser_crashed');
  await untilGone(directory);
});

test('a profile that is to be kept stays when its browser, which was started ahead, is closed', async () => {
  const directory = await warm.untilReady();
  const claim = fence();
  const kept = { ...PLAIN_LAUNCH, profile: { isMounted: false, isKept: true } };
  expect((await warm.worker.launchWarm('t/a', claim, kept)).isWarm).toBe(true);
  const { profile } = await warm.worker.client.call(
    'close',
    { ref: 't/a', claimId: claim.claimId },
    { timeoutMs: 10_000 },
  );
  await untilGone(directory);
  expect(await readdir(profile ?? '')).toContain('Default');
  await warm.worker.forget('t/a', claim);
  await expect(stat(profile ?? '')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('the next one has the shape of the last launch', async () => {
  await warm.untilReady();
  const { isWarm } = await warm.worker.launchWarm('t/a', fence(), GERMAN);
  expect(isWarm).toBe(false);
  const german = await pollUntil('a German browser', { timeoutMs: 15_000, everyMs: 20 }, async () => {
    const directory = await warm.untilReady();
    const found = (await listProcesses()).find(
      ({ commandLine }) =>
        commandLine.includes(`--user-data-dir=${directory.profile}`) &&
        commandLine.includes('--accept-lang=de-DE'),
    );
    return found === undefined ? undefined : directory;
  });
  await warm.worker.launchWarm('t/b', fence(), GERMAN);
  await expect(stat(german.path)).resolves.toBeDefined();
});

test('a browser that dies is replaced', async () => {
  const directory = await warm.untilReady();
  sendSignal(await pidOf(directory), 'SIGKILL');
  await untilGone(directory);
  const next = await warm.untilReady();
  expect(next.name).not.toBe(directory.name);
  expect(warm.counts.ended.died).toBe(1);
});

test('a worker that does not know of them gets none, and has none kept for it', async () => {
  const directory = await warm.untilReady();
  await warm.worker.launch('t/a', fence());
  await expect(stat(directory.path)).resolves.toBeDefined();
  warm.worker.client.expectLaunches(() => false);
  await untilGone(directory);
  expect(warm.counts.ready).toBe(0);
});

test('one that is being closed while it is handed over is closed', async () => {
  const directory = await warm.untilReady();
  const claim = fence();
  const launch = warm.worker.launchWarm('t/a', claim);
  const outcome = expect(launch).rejects.toMatchObject({ code: 'launch_cancelled' });
  await warm.worker.close('t/a', claim);
  await outcome;
  await untilGone(directory);
  expect(await warm.worker.list()).toEqual([]);
});

test('they end with all others, and none is started without a worker', async () => {
  const directory = await warm.untilReady();
  await warm.worker.client.close();
  await warm.keeper.app.keeper.endAll('the test says so');
  await untilGone(directory);
  expect(await RunDirectory.list(warm.runRoot)).toEqual([]);
});

(canMount() ? test : test.skip)(
  'a full disk stops them, and nothing is tried in a loop; sessions go on when there is room again',
  async () => {
    await warm.close();
    const disk = await SmallDisk.mount(128);
    const said: string[] = [];
    const log = createLogger('keeper', 'warn', { write: line => void said.push(line) });
    warm = await WarmFixture.open({}, { dir: disk, log });
    const first = await warm.untilReady();
    disk.fill();
    // It is ready, but the launch needs a record.
    await expect(warm.worker.launchWarm('t/a', fence())).rejects.toMatchObject({ code: 'launch_failed' });
    await untilGone(first);
    await warm.worker.untilBeats(6);
    expect(warm.counts.ready).toBe(0);
    const complaints = said.filter(line => line.includes('no browser can be started ahead'));
    expect(complaints).toHaveLength(1);
    disk.relieve();
    await warm.untilReady();
    expect((await warm.worker.launchWarm('t/b', fence())).isWarm).toBe(true);
  },
);

test('null browsers are never started ahead', async () => {
  await warm.close();
  warm = await WarmFixture.open({ browser: { kind: 'null' } });
  await warm.worker.untilBeats(2);
  expect((await warm.worker.launchWarm('t/a', fence())).isWarm).toBe(false);
  expect(warm.counts.ready).toBe(0);
});
