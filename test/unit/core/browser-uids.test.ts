import { browserUidTest, NOBODY_UID, uidRange } from '../../../src/core/browser-uids';
import { asRoot } from '../../support/as-root';

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

describe('the users of browsers', () => {
  it('are nobody and not the user of the service', async () => {
    const isBrowserUid = await browserUidTest(null);
    expect([NOBODY_UID, 0, 1_000, process.getuid?.() ?? 0].map(isBrowserUid)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  asRoot(it)('are those of the range, which sessions get one each of', async () => {
    const isBrowserUid = await browserUidTest({ first: 200_000, last: 200_009 });
    expect([199_999, 200_000, 200_009, 200_010].map(isBrowserUid)).toEqual([false, true, true, false]);
  });
});
