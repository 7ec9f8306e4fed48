import { parseLabelSelector } from '../../../src/contract/labels';
import { selector } from '../../support/label-selector';
import { scaled } from '../../support/slowdown';

const isIn = (name: string, ...values: string[]) => ({ name, operator: 'in', values });
const notIn = (name: string, ...values: string[]) => ({ name, operator: 'notin', values });

describe('a label selector', () => {
  it.each<[string, unknown[]]>([
    ['a=b', [isIn('a', 'b')]],
    ['a==b', [isIn('a', 'b')]],
    ['a != b', [notIn('a', 'b')]],
    ['a=', [isIn('a', '')]],
    ['a=f g , c.d/e==f', [isIn('a', 'f g'), isIn('c.d/e', 'f')]],
    ['a in (b,c)', [isIn('a', 'b', 'c')]],
    ['a in(b , c),d', [isIn('a', 'b', 'c'), { name: 'd', operator: 'exists' }]],
    ['a notin (b,)', [notIn('a', 'b', '')]],
    ['a', [{ name: 'a', operator: 'exists' }]],
    [
      '!a, ! b',
      [
        { name: 'a', operator: 'absent' },
        { name: 'b', operator: 'absent' },
      ],
    ],
    ['in in (in),notin!=in', [isIn('in', 'in'), notIn('notin', 'in')]],
    ['a=x=y', [isIn('a', 'x=y')]],
    ['a=f(x)', [isIn('a', 'f(x)')]],
    ['a=größe 📐', [isIn('a', 'größe 📐')]],
    ['a=b,a=b', [isIn('a', 'b'), isIn('a', 'b')]],
    ['a=b,a!=c', [isIn('a', 'b'), notIn('a', 'c')]],
  ])('%j is understood', (text, requirements) => {
    expect(selector(text)).toEqual(requirements);
  });

  it.each([
    '',
    ' ',
    ',',
    ' , ',
    'a,',
    ',a',
    'a,,b',
    'a, ,b',
    'a===b',
    'a!==b',
    'a = = b',
    'a!=',
    'a != ,b',
    'a notin ()',
    '=x',
    '!',
    'a b',
    'a in b',
    'a in ()',
    'a in (b',
    'a in (b))',
    'a in (b)(c)',
    'a in (b) c',
    '.a',
    '!.a',
    'a!',
    'a=1,a=2',
    `a=${'x'.repeat(129)}`,
    'a=\u0007',
    Array.from({ length: 17 }, (_, i) => `l${i}`).join(','),
    `a in (${Array.from({ length: 65 }, (_, i) => String(i)).join(',')})`,
  ])('%j is refused with the reason', text => {
    expect(parseLabelSelector(text)).toEqual({ requirements: null, problem: expect.any(String) });
  });

  it.each([
    ['', 'must not be empty: leave it out to select all'],
    ['team=a,', 'must not have an empty term: remove the extra comma'],
    ['team===a', 'team== has an extra "="; use "team in (…)" to select values that begin with "="'],
    ['team!=', 'team!= has no value; use "team notin (,)" to exclude the empty value'],
  ])('%j comes from an unset variable or a typing error, and the error says so', (text, problem) => {
    expect(parseLabelSelector(text)).toEqual({ requirements: null, problem });
  });

  it('can select what cannot be written with = and !=', () => {
    expect(selector('team in (=a)')).toEqual([isIn('team', '=a')]);
    expect(selector('team notin (,)')).toEqual([notIn('team', '', '')]);
  });

  it('is refused quickly, however it is built', () => {
    for (const text of [
      `a${' '.repeat(50_000)}x`,
      `a in (${','.repeat(50_000)}`,
      '!'.repeat(50_000),
      'a,'.repeat(50_000),
    ]) {
      const startedMs = performance.now();
      expect(parseLabelSelector(text).requirements).toBeNull();
      expect(performance.now() - startedMs).toBeLessThan(scaled(1_000));
    }
  });
});
