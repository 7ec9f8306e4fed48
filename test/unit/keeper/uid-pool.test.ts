import { UidPool, uidRange } from '../../../workers/keeper/users/uid-pool';

const ALL = '         0          0 4294967295\n';
const FEW = '         0     100000      65536\n';

describe('the range of user ids', () => {
  it('is one that no table of the system uses, if all ids are mapped', () => {
    expect(uidRange([ALL, ALL], null)).toEqual({ range: { first: 1_879_048_192, last: 2_147_483_645 } });
  });

  it('lies within what is mapped, for users and groups, where that is little', () => {
    expect(uidRange([FEW, ALL], null)).toEqual({ range: { first: 40_000, last: 59_999 } });
    expect(uidRange([ALL, FEW], null)).toEqual({ range: { first: 40_000, last: 59_999 } });
  });

  it('is the operator’s, and no other', () => {
    const wished = { first: 200_000, last: 200_009 };
    expect(uidRange([ALL, ALL], wished)).toEqual({ range: wished });
    expect(uidRange([FEW, FEW], wished)).toMatchObject({ why: expect.stringContaining('200000-200009') });
  });

  it('is not there where one id is mapped', () => {
    expect(uidRange(['0 1000 1\n', '0 1000 1\n'], null)).toHaveProperty('why');
    expect(uidRange(['', ''], null)).toHaveProperty('why');
  });
});

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
