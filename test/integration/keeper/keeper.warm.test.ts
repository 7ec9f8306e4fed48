import { stat } from 'node:fs/promises';
import { sendSignal } from '../../../src/core/process-identity';
import { PLAIN_LAUNCH } from '../../../workers/keeper/door/protocol';
import { fence } from '../../support/keeper-fixture';
import { RawCdp } from '../../support/raw-cdp';
import { pidOf, untilGone, WarmFixture } from '../../support/warm-fixture';

const SLOTS = 2;
const GERMAN = { ...PLAIN_LAUNCH, locale: 'de-DE' };

let warm: WarmFixture;

beforeEach(async () => {
  warm = await WarmFixture.open();
});

afterEach(async () => {
  await warm.close();
});

async function pagesOf({ port, path }: { port: number; path: string }): Promise<string[]> {
  const cdp = await RawCdp.connect(`ws://127.0.0.1:${port}${path}`);
  const { targetInfos } = await cdp.call<{ targetInfos: { type: string; url: string }[] }>(
    'Target.getTargets',
  );
  cdp.socket.terminate();
  return targetInfos.filter(({ type }) => type === 'page').map(({ url }) => url);
}

test('a session gets the browser that was started ahead, with its one page, and no other session does', async () => {
  const directory = await warm.untilReady();
  expect(await warm.worker.list()).toEqual([]);
  expect(await warm.worker.used()).toBe(0);
  expect(await warm.records()).toEqual([]);

  const claim = fence();
  const { endpoint, isWarm } = await warm.worker.launchWarm('t/a', claim);
  expect(isWarm).toBe(true);
  expect(endpoint).toMatchObject(await directory.devTools().then(found => found ?? {}));
  expect(await pagesOf(endpoint)).toEqual(['about:blank']);
  expect(await warm.records()).toEqual([`${directory.name}.json`]);
  expect(await warm.worker.list()).toMatchObject([{ ref: 't/a', fence: claim, state: 'running' }]);
  expect(await warm.worker.used()).toBe(1);

  const next = await warm.untilReady();
  const other = await warm.worker.launchWarm('t/b', fence());
  expect(other.isWarm).toBe(true);
  expect(other.endpoint.path).not.toBe(endpoint.path);
  expect(next.name).not.toBe(directory.name);

  await warm.worker.close('t/a', claim);
  await untilGone(directory);
});

test('a browser that is frozen is removed, and the session gets a new one in the same launch', async () => {
  const directory = await warm.untilReady();
  const browser = await pidOf(directory);
  sendSignal(browser, 'SIGSTOP');
  const { isWarm, endpoint } = await warm.worker.launchWarm('t/a', fence());
  expect(isWarm).toBe(false);
  expect(endpoint.path).not.toBe((await directory.devTools())?.path ?? '');
  await untilGone(directory);
  expect(warm.counts.ended.died).toBe(1);
});

test('sessions take all slots, and the browser that was started ahead for another shape goes', async () => {
  const directory = await warm.untilReady();
  const [first, second] = [fence(), fence()];
  await warm.worker.launchWarm('t/a', first, GERMAN);
  await warm.worker.launchWarm('t/b', second, GERMAN);
  await untilGone(directory);
  expect(await warm.worker.used()).toBe(SLOTS);
  expect(warm.counts.ready).toBe(0);
  await expect(warm.worker.launchWarm('t/c', fence())).rejects.toMatchObject({ code: 'no_free_slot' });
  await warm.worker.close('t/a', first);
  await warm.untilReady();
});

test('the next keeper removes what an earlier one has started ahead as no orphan, and starts its own', async () => {
  const directory = await warm.untilReady();
  await warm.keeper.stopKeeper();
  await expect(stat(directory.path)).resolves.toBeDefined();
  await warm.keeper.startKeeper();
  await expect(stat(directory.path)).rejects.toMatchObject({ code: 'ENOENT' });
  await untilGone(directory);
  const { stats } = await warm.worker.registration(1);
  expect(stats.orphansReaped).toBe(0);
  const next = await warm.untilReady();
  expect(next.name).not.toBe(directory.name);
});
