import { UidPool } from '../../../workers/keeper/users/uid-pool';

describe('a pool of user ids', () => {
  it('gives each id once at a time, going round, and none when all are in use', () => {
    const pool = new UidPool({ first: 10, last: 12 }, 0.5);
    expect([pool.take(), pool.take(), pool.take(), pool.take()]).toEqual([11, 12, 10, null]);
    pool.free(12);
    pool.free(11);
    expect([pool.take(), pool.take(), pool.take()]).toEqual([11, 12, null]);
  });

  it('gives none that is marked, and never nobody', () => {
    const pool = new UidPool({ first: 65_533, last: 65_535 }, 0);
    pool.mark(65_533);
    expect([pool.take(), pool.take()]).toEqual([65_535, null]);
  });

  it('begins inside its range, wherever it is told to', () => {
    for (const start of [0, 0.999_999, 0.3])
      expect([5, 6]).toContain(new UidPool({ first: 5, last: 6 }, start).take());
  });
});
