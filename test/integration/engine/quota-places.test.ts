import { setTimeout as sleep } from 'node:timers/promises';
import { NO_QUOTAS } from '../../../src/config/quotas';
import { QuotaPlaces, type Place } from '../../../src/engine/quota-places';
import { keys } from '../../../src/redis/keys';
import { PlaceStore, type PlaceClaim } from '../../../src/store/place-store';
import { pollUntil } from '../../support/poll-until';
import { StoreFixture, testLog } from '../../support/store-fixture';

const LIMIT = 5;
const KEY = keys.places('sockets', 'acme');

let fixture: StoreFixture;
const processes: QuotaPlaces[] = [];
beforeAll(async () => {
  fixture = await StoreFixture.open();
});
afterEach(async () => {
  await Promise.all(processes.splice(0).map(process => process.stop()));
  await fixture.redis.flushall();
});
afterAll(() => fixture.close());

const quotas = { default: NO_QUOTAS, tenants: { acme: { ...NO_QUOTAS, sockets: LIMIT } } };
let refused = 0;
const report = { quotaRefused: () => (refused += 1) };

/** An API process, as far as its sockets are concerned. */
function processNamed(processId: string, places: Pick<PlaceStore, 'hold'> = new PlaceStore(fixture.scripts)) {
  const made = new QuotaPlaces({ quota: 'sockets', quotas, places, processId, report, log: testLog });
  processes.push(made);
  return made;
}

const isTaken = ({ taken }: Place): Promise<boolean> =>
  taken.then(
    () => true,
    () => false,
  );
const claim = (processId: string, held: number, asked: number): PlaceClaim => ({
  ...{ quota: 'sockets', tenant: 'acme', limit: LIMIT },
  ...{ processId, held, asked },
});

describe('the sockets of a tenant', () => {
  it('are never more than its quota in all API processes together, whatever comes at once', async () => {
    refused = 0;
    const both = [processNamed('one'), processNamed('two')];
    const asked = Array.from({ length: 60 }, (_, at) => both[at % 2]!.take('acme'));
    const answers = await Promise.all(asked.map(isTaken));
    expect(answers.filter(taken => taken)).toHaveLength(LIMIT);
    expect(refused).toBe(60 - LIMIT);
    // One that is given back is free for every process as soon as Redis knows.
    const given = asked.find((_, at) => answers[at])!;
    given.free();
    given.free();
    await pollUntil('the place of another process', { timeoutMs: 2_000, everyMs: 5 }, async () =>
      (await isTaken(both[1]!.take('acme'))) ? true : undefined,
    );
    expect(await isTaken(both[0]!.take('acme'))).toBe(false);
  });

  it('leave nothing in Redis when all have gone, also those that went before they were counted', async () => {
    const one = processNamed('one');
    const [first, ...early] = Array.from({ length: 3 }, () => one.take('acme'));
    early.forEach(place => place.free());
    await first!.taken;
    first!.free();
    await pollUntil('an empty count', { timeoutMs: 2_000, everyMs: 5 }, async () =>
      (await fixture.redis.exists(KEY)) === 0 ? true : undefined,
    );
  });

  it('are asked for in few calls when many come at once', async () => {
    const store = new PlaceStore(fixture.scripts);
    let calls = 0;
    const one = processNamed('one', { hold: made => ((calls += 1), store.hold(made)) });
    await Promise.all(Array.from({ length: 50 }, () => isTaken(one.take('acme'))));
    expect(calls).toBeLessThanOrEqual(2);
    await one.take('free').taken;
    expect(calls).toBeLessThanOrEqual(2);
  });

  it('of a process that has died lapse, while another states its own again', async () => {
    const store = new PlaceStore(fixture.scripts, 150);
    expect(await store.hold(claim('dead', 0, 3))).toBe(3);
    expect(await store.hold(claim('alive', 0, 9))).toBe(2);
    for (let at = 0; at < 4; at++) {
      await sleep(50);
      await store.hold(claim('alive', 2, 0));
    }
    expect(await store.hold(claim('alive', 2, 9))).toBe(3);
    expect(await fixture.redis.hkeys(KEY)).toEqual(['alive']);
    await sleep(200);
    expect(await fixture.redis.exists(KEY)).toBe(0);
  });

  it('of a process that was away are stated again, although others have taken their places', async () => {
    const store = new PlaceStore(fixture.scripts);
    await store.hold(claim('others', 0, 4));
    expect(await store.hold(claim('away', 3, 1))).toBe(0);
    expect(await store.hold(claim('others', 4, 1))).toBe(0);
    await store.hold(claim('away', 0, 0));
    expect(await store.hold(claim('others', 4, 9))).toBe(1);
  });

  it('do not count for longer because the clock of Redis was set back', async () => {
    const store = new PlaceStore(fixture.scripts, 100);
    await fixture.redis.hset(KEY, 'dead', `5|${Date.now() + 3_600_000}`);
    expect(await store.hold(claim('alive', 0, 1))).toBe(0);
    await sleep(120);
    expect(await store.hold(claim('alive', 0, 1))).toBe(1);
  });

  it('are refused as the failure of Redis, and counted right when it is back', async () => {
    const store = new PlaceStore(fixture.scripts);
    let isAway = false;
    const hold = (made: PlaceClaim): Promise<number> =>
      isAway ? Promise.reject(new Error('away')) : store.hold(made);
    const one = processNamed('one', { hold });
    const held = Array.from({ length: 3 }, () => one.take('acme'));
    await Promise.all(held.map(isTaken));
    isAway = true;
    await expect(one.take('acme').taken).rejects.toThrow('away');
    held[0]!.free();
    await sleep(10);
    isAway = false;
    expect(await isTaken(one.take('acme'))).toBe(true);
    expect(await fixture.redis.hget(KEY, 'one')).toMatch(/^3\|/);
  });
});
