import { refOf, type SessionRef } from '../../../src/core/ids';
import { keys } from '../../../src/redis/keys';
import { StoreFixture } from '../../support/store-fixture';

let fixture: StoreFixture;
let known: readonly SessionRef[];
beforeAll(async () => {
  fixture = await StoreFixture.open();
  known = await Promise.all([
    fixture.create('first', { labels: { team: 'search' } }),
    fixture.create('second'),
    fixture.create('of-another', { tenant: 'acme' }),
  ]);
});
afterAll(() => fixture.close());

test('many sessions are read as each of them is, in the order in which they are asked for', async () => {
  const [first, second, third] = known;
  const refs = [third, refOf('default', 'unknown'), first, second, refOf('acme', 'first'), first];
  // What stands beside the rows belongs to one of them.
  await fixture.redis.hset(keys.activity, String(second), 1_000);
  await fixture.redis.hset(keys.attached, String(third), 2_000);
  await fixture.redis.hset(keys.present, String(first), 3_000);
  const wanted = refs.filter(ref => ref !== undefined);
  const { records } = await fixture.store.readAll(wanted);
  const alone = await Promise.all(wanted.map(async ref => (await fixture.store.read(ref)).record));
  expect(records).toEqual(alone);
  expect(records.map(record => record?.ref ?? null)).toEqual([third, null, first, second, null, first]);
  expect(records[3]).toMatchObject({ lastActivityMs: 1_000, attachedAtMs: null, presentAtMs: null });
  expect(records[0]).toMatchObject({ lastActivityMs: null, attachedAtMs: 2_000, presentAtMs: null });
  expect(records[2]).toMatchObject({
    presentAtMs: 3_000,
    snapshot: { context: { labels: { team: 'search' } } },
  });
});

test('they are read at one moment, and none of them asks nothing', async () => {
  const before = await fixture.maintenance.nowMs();
  const { nowMs } = await fixture.store.readAll(known);
  expect(nowMs).toBeGreaterThanOrEqual(before);
  expect(nowMs).toBeLessThanOrEqual(await fixture.maintenance.nowMs());
  expect((await fixture.store.readAll([])).records).toEqual([]);
});

test('a row that cannot be read does not keep the others from being read', async () => {
  const broken = await fixture.create('broken');
  await fixture.redis.hset(keys.row(broken), 'snap', 'no JSON');
  const { records } = await fixture.store.readAll([broken, ...known]);
  expect(records[0]).toMatchObject({ ref: broken, isPartial: true });
  expect(records.slice(1).map(record => record?.isPartial)).toEqual([undefined, undefined, undefined]);
});
