import fc from 'fast-check';
import { MACHINE_VERSION } from '../../../machines/session/session.versions';
import { refOf, type SessionRef } from '../../../src/core/ids';
import type { Redis } from '../../../src/redis/connection';
import { indexMember, keys } from '../../../src/redis/keys';
import type { ScriptRunner } from '../../../src/redis/script-runner';
import { labelEntries } from '../../../src/store/label-index';
import { PackStore } from '../../../src/store/pack-store';
import { SessionIndex } from '../../../src/store/session-index';
import {
  idsFound,
  idsMeant,
  knownIds,
  knownLabels,
  knownTimes,
  selections,
  type KnownSession,
} from '../../support/known-sessions';
import { StoreFixture } from '../../support/store-fixture';

/* Where the indexes keep what ended long ago. */

const BLOCK_MAX = 128;
const MINUTE_MS = 60_000;

let fixture: StoreFixture;
let packing: PackStore;
let index: SessionIndex;
beforeEach(async () => {
  fixture = await StoreFixture.open();
  packing = new PackStore(fixture.redis, fixture.scripts);
  index = new SessionIndex(fixture.redis, fixture.scripts);
});
afterEach(() => fixture.close());

const never = (): boolean => false;
const ANY = { statuses: [], labels: [], createdAfterMs: null, createdBeforeMs: null };

interface Ended extends KnownSession {
  readonly endedAtMs: number;
}

const refTo = ({ id }: KnownSession): SessionRef => refOf('default', id);

/** What the scripts leave of ended sessions, as far as indexes go. */
async function store(sessions: readonly Ended[]): Promise<void> {
  const pipeline = fixture.redis.pipeline();
  for (const session of sessions) {
    const { id, createdAtMs, labels, status, endedAtMs } = session;
    const [ref, member, lk] = [refTo(session), indexMember(createdAtMs, id), labelEntries(labels)];
    const row = { rev: 1, mv: MACHINE_VERSION, st: status, ops: `${id}=1`, ix: member, dl: '{}' };
    pipeline.hset(keys.row(ref), { ...row, lk: JSON.stringify(lk) });
    for (const key of indexesOf(session)) pipeline.zadd(key, 0, member);
    pipeline.zadd(keys.ended, endedAtMs, ref).hincrby(keys.counts, status, 1);
  }
  await pipeline.exec();
}

const indexesOf = ({ labels, status }: KnownSession): string[] => [
  keys.indexAll('default'),
  keys.indexStatus('default', status),
  ...labelEntries(labels).map(label => keys.indexLabel('default', label)),
];

/** Many sessions, some in one millisecond, which end in another order. */
function someEnded(count: number, endedAtMs: (number: number) => number = () => 1): Ended[] {
  const status = fc.constantFrom('released' as const, 'failed' as const);
  const lives = fc.sample(fc.record({ createdAtMs: knownTimes, labels: knownLabels, status }), {
    ...{ numRuns: count, seed: 7 },
  });
  return knownIds(count).map((id, i) => ({
    ...{ id, endedAtMs: endedAtMs(i), createdAtMs: 0, labels: {}, status: 'released', ...lives[i] },
  }));
}

/** The members of the blocks of an index, which are as they should be. */
async function inBlocks(key: string): Promise<string[]> {
  const { redis } = fixture;
  const nameOf = (infix: string): string => key.replace(/^\{hf\}:[a-z]+/, found => `${found}::${infix}`);
  const bounds = await redis.zrange(nameOf('blocks'), '0', '-1');
  const members: string[] = [];
  for (const [i, bound] of bounds.entries()) {
    const block = `${nameOf('block')}:${bound}`;
    const some = await redis.zrange(block, '0', '-1');
    expect(some.length).toBeGreaterThan(0);
    expect(some.length).toBeLessThanOrEqual(BLOCK_MAX);
    expect(await redis.object('ENCODING', block)).toBe('listpack');
    const next = bounds[i + 1];
    expect(some.every(member => member >= bound && (next === undefined || member < next))).toBe(true);
    members.push(...some);
  }
  return members;
}

/** Expects every index to have these sessions, each once, in its set or in its blocks. */
async function expectIndexed(
  sessions: readonly Ended[],
  isMoved: (session: Ended) => boolean,
): Promise<void> {
  const members = new Map<string, string[]>();
  for (const session of sessions)
    for (const key of indexesOf(session))
      members.set(key, [...(members.get(key) ?? []), indexMember(session.createdAtMs, session.id)]);
  for (const [key, expected] of members) {
    const both = [...(await fixture.redis.zrange(key, '0', '-1')), ...(await inBlocks(key))];
    expect(both.sort()).toEqual(expected.sort());
  }
  const moved = sessions.filter(isMoved).map(session => indexMember(session.endedAtMs, refTo(session)));
  expect(await inBlocks(keys.ended)).toEqual(moved.sort());
}

test('a list that is read while sessions move shows each of them once, by any selection', async () => {
  const known = someEnded(500, number => 1 + ((number * 37) % 500));
  await store(known);
  let untilMs = 0;
  const move = (): Promise<number> => packing.pack((untilMs += 2), 0, never);
  const samples = fc.sample(fc.tuple(selections('released', 'failed'), fc.constantFrom(7, 60)), {
    ...{ numRuns: 60, seed: 7 },
  });
  for (const [asked, limit] of samples)
    expect(await idsFound(index, asked, limit, move)).toEqual(idsMeant(known, asked));
  expect(untilMs).toBeGreaterThan(500);
  await expectIndexed(known, () => true);
  for (const [asked] of samples) expect(await idsFound(index, asked, 25)).toEqual(idsMeant(known, asked));
}, 60_000);

test('a large set is left by what has moved, a small one is not, and has no blocks', async () => {
  const sessions = someEnded(200).map((one, i) => ({ ...one, labels: { run: `r-${i % 100}` } }));
  await store(sessions);
  expect(await packing.pack(1, 0, never)).toBe(200);
  const run = keys.indexLabel('default', 'run');
  expect(await inBlocks(run)).toHaveLength(200);
  expect(await fixture.redis.keys('{hf}:ix::*run=*')).toEqual([]);
  // What comes later goes to the blocks that are there, however few they are.
  const later = someEnded(210).slice(200);
  await store(later.map(one => ({ ...one, labels: { run: 'x' } })));
  expect(await packing.pack(1, 0, never)).toBe(10);
  expect(await inBlocks(run)).toHaveLength(210);
});

test('the retention forgets what is in blocks, the oldest first, and passes over newer versions', async () => {
  const { maintenance, redis } = fixture;
  const nowMs = await maintenance.nowMs();
  const sessions = someEnded(600, number => nowMs - (number + 1) * MINUTE_MS);
  await store(sessions);
  expect(await packing.pack(nowMs, 0, never)).toBe(600);
  expect(await maintenance.retire(400 * MINUTE_MS + MINUTE_MS / 2, never)).toBe(200);
  const left = sessions.slice(0, 400);
  await expectIndexed(left, () => true);
  // Members that were the bounds of blocks are gone.
  for (const limit of [1, 2, 3]) expect(await idsFound(index, ANY, limit)).toEqual(idsMeant(left, ANY));
  // More than two blocks of them are the oldest, one more is among the others.
  const newer = left.filter((_, number) => number >= 100 || number === 50);
  for (const session of newer) await redis.hset(keys.row(refTo(session)), 'mv', '99');
  expect(await maintenance.retire(0, never)).toBe(99);
  await expectIndexed(newer, () => true);
  for (const session of newer) await redis.hset(keys.row(refTo(session)), 'mv', MACHINE_VERSION);
  expect(await maintenance.retire(0, never)).toBe(301);
  expect((await redis.keys('*')).sort()).toEqual([keys.counts, keys.packedUntil].sort());
  expect(await redis.hgetall(keys.counts)).toEqual({ released: '0', failed: '0' });
});

test('ends that are in the future since the clock was set back are retired from then on', async () => {
  const { maintenance, redis } = fixture;
  const aheadMs = (await maintenance.nowMs()) + 24 * 60 * MINUTE_MS;
  await store(someEnded(300, number => aheadMs + (number % 50)));
  expect(await packing.pack(aheadMs + 50, 0, never)).toBe(300);
  expect(await maintenance.retire(0, never)).toBe(0);
  expect(await maintenance.pullBackScores()).toBe(300);
  expect(await maintenance.pullBackScores()).toBe(0);
  expect(await maintenance.retire(0, never)).toBe(300);
  expect(await redis.keys('{hf}:ix*')).toEqual([]);
});

test('sessions move also while Redis is full', async () => {
  const sessions = someEnded(300);
  await store(sessions);
  await fixture.redis.config('SET', 'maxmemory', '1');
  await expect(fixture.redis.set('x', 'x')).rejects.toThrow('OOM');
  // Until when they have moved cannot be written then: each turn moves a page.
  await expect(packing.pack(1, 0, never)).rejects.toThrow('OOM');
  await expect(packing.pack(1, 0, never)).rejects.toThrow('OOM');
  const there = new Set(await fixture.redis.zrange(keys.ended, '0', '-1'));
  expect(there.size).toBe(200);
  await expectIndexed(sessions, session => !there.has(refTo(session)));
  await fixture.redis.config('SET', 'maxmemory', '0');
  await packing.pack(1, 0, never);
  await expectIndexed(sessions, () => true);
});

test('a process that is killed at any step leaves nothing half done, and the next one finishes', async () => {
  const sessions = someEnded(260);
  await store(sessions);
  let moved = 0;
  for (let step = 0; moved < sessions.length; step += 23) {
    let left = step;
    const counted = <T extends Redis | ScriptRunner>(of: T): T =>
      new Proxy(of, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]): unknown => {
            if ((left -= 1) < 0) throw new Error('killed');
            return Reflect.apply(member, target, args);
          };
        },
      });
    const killed = new PackStore(counted(fixture.redis), counted(fixture.scripts));
    await killed.pack(1, 0, never).catch(() => undefined);
    moved = (await inBlocks(keys.ended)).length;
    const there = new Set(await fixture.redis.zrange(keys.ended, '0', '-1'));
    await expectIndexed(sessions, session => !there.has(refTo(session)));
  }
  expect(await fixture.redis.exists(keys.ended)).toBe(0);
});
