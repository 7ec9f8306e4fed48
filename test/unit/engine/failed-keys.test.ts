import { FailedKeys } from '../../../src/engine/failed-keys';
import { TooManyFailuresError } from '../../../src/core/too-many-failures';

/* S20: what an address can try of API keys. The clock is the test's. */

const RIGHT = 'a-right-key';
const LATER = 'another-right-key';
const ATTACKER = '192.0.2.1';

let nowMs: number;
let reported: [string, string][];
let looked: number;
let keys: FailedKeys;
beforeEach(() => {
  [nowMs, reported, looked] = [0, [], 0];
  keys = new FailedKeys({
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    report: { keyRefused: (outcome, address) => void reported.push([outcome, address]) },
  });
});

/* What comes of a key: `null` is wrong, a number the seconds to wait. */
async function tried(remoteAddress: string | undefined, key: string): Promise<string | number | null> {
  try {
    return await keys.check({ remoteAddress }, key, () => {
      looked += 1;
      return [RIGHT, LATER].includes(key) ? 'right' : null;
    });
  } catch (error) {
    if (error instanceof TooManyFailuresError) return error.retryAfterMs / 1_000;
    throw error;
  }
}

async function guess(address: string | undefined, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await tried(address, `guess-${n}`);
}

it('looks at sixty wrong keys of an address, and then at one a second', async () => {
  await guess(ATTACKER, 60);
  expect(looked).toBe(60);
  expect(await tried(ATTACKER, 'guess')).toBe(1);
  expect(looked).toBe(60);
  nowMs += 1_000;
  expect([await tried(ATTACKER, 'guess'), await tried(ATTACKER, 'guess')]).toEqual([null, 1]);
  nowMs += 3_600_000;
  await guess(ATTACKER, 100);
  expect(looked).toBe(61 + 60);
});

it('does not tell a right key from a wrong one any more then, unless it was right from there before', async () => {
  expect(await tried(ATTACKER, RIGHT)).toBe('right');
  await guess(ATTACKER, 60);
  expect(await tried(ATTACKER, LATER)).toBe(1);
  expect(await tried(ATTACKER, RIGHT)).toBe('right');
  nowMs += 1_000;
  expect(await tried(ATTACKER, LATER)).toBe('right');
});

it('locks nobody out at another address', async () => {
  await guess(ATTACKER, 100);
  for (const address of ['192.0.2.2', '2001:db8::1', undefined])
    expect(await tried(address, RIGHT)).toBe('right');
});

it('takes the addresses of one network of IPv6, and both forms of one of IPv4, together', async () => {
  for (let n = 0; n < 60; n += 1) await tried(`2001:db8:0:7::${n.toString(16)}`, 'guess');
  expect(await tried('2001:db8:0:7:ffff::1', 'guess')).toBe(1);
  expect(await tried('2001:db8:0:8::1', 'guess')).toBeNull();
  await guess('::ffff:192.0.2.9', 60);
  expect(await tried('192.0.2.9', 'guess')).toBe(1);
});

it('goes on with nothing that was right once and is wrong now', async () => {
  let isRevoked = false;
  const find = (): string | null => (isRevoked ? null : 'right');
  const sender = { remoteAddress: ATTACKER };
  expect(await keys.check(sender, 'revoked', find)).toBe('right');
  isRevoked = true;
  await guess(ATTACKER, 59);
  expect(await keys.check(sender, 'revoked', find)).toBeNull();
  await expect(keys.check(sender, 'revoked', find)).rejects.toThrow(TooManyFailuresError);
});

it('is not cheated by guesses that are under way at the same time', async () => {
  await Promise.all(Array.from({ length: 200 }, async (_, n) => tried(ATTACKER, `guess-${n}`)));
  expect(await tried(ATTACKER, 'guess')).toBe(1);
});

it('remembers no more than ten thousand addresses', async () => {
  await guess(ATTACKER, 60);
  for (let n = 0; n < 10_000; n += 1) await tried(`10.0.${n >> 8}.${n & 255}`, 'guess');
  expect(await tried(ATTACKER, 'guess')).toBeNull();
});

it('reports each refusal, with the address and without the key', async () => {
  await guess(ATTACKER, 61);
  expect(reported).toHaveLength(61);
  expect(reported.slice(-2)).toEqual([
    ['wrong', ATTACKER],
    ['unchecked', ATTACKER],
  ]);
});
