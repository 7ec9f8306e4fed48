import { StuckLooks } from '../../../workers/keeper/companions/stuck-looks';

const HELPER = { pid: 7, startedAt: '1' };

/** What looks at a helper see. */
interface Seen {
  isStopped: boolean;
  /** Null: it gives none. */
  beat: number | null;
  waitedMs: number;
}

/**
 * Looks at a helper, which changes before each look like this; answers what is wrong, and at which look that is known.
 */
async function firstTrouble(change: (seen: Seen) => void): Promise<[number, string] | null> {
  const seen: Seen = { isStopped: false, beat: 1, waitedMs: 0 };
  const looks = new StuckLooks(
    { mayBeStopped: () => Promise.resolve(false), beat: () => Promise.resolve(seen.beat) },
    {
      inspect: () => Promise.resolve({ ...HELPER, parentPid: 1, uid: 0, isStopped: seen.isStopped }),
      waitedMs: () => Promise.resolve(seen.waitedMs),
    },
  );
  for (let look = 1; look <= 60; look += 1) {
    change(seen);
    const trouble = await looks.troubleOf(HELPER);
    if (trouble !== null) return [look, trouble];
  }
  return null;
}

describe('a helper of a browser', () => {
  it('works while its heart beats', async () => {
    expect(await firstTrouble(seen => void (seen.beat = (seen.beat ?? 0) + 1))).toBeNull();
  });

  it('hangs when three looks after the last beat have seen no other', async () => {
    expect(await firstTrouble(() => undefined)).toEqual([4, 'hung']);
  });

  it('is not to blame when it only waits for a busy processor, for as long as it does', async () => {
    expect(await firstTrouble(seen => void (seen.waitedMs += 990))).toBeNull();
  });

  it('hangs also on a busy machine when it had its chances', async () => {
    expect(await firstTrouble(seen => void (seen.waitedMs += 600))).toEqual([4, 'hung']);
  });

  it('is stopped when three looks in a row see it', async () => {
    expect(await firstTrouble(seen => void (seen.isStopped = true))).toEqual([3, 'stopped']);
  });

  it('does not hang without a heart, as one of an earlier version', async () => {
    expect(await firstTrouble(seen => void (seen.beat = null))).toBeNull();
  });
});
