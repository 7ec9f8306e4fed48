import fc from 'fast-check';
import { formatAge, formatDuration, parseDuration } from '../../../src/cli/durations';

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1h30m', 5_400_000],
    ['250', 250],
    ['0', 0],
  ])('%s is understood', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', 's', '10x', '-5s', '1,5s', '10 m', '1.5', 'tenm', '1e3', 'Infinity', '5S'])(
    '"%s" is refused, not guessed',
    text => {
      expect(parseDuration(text)).toBeNull();
    },
  );

  it('are written as they are read', () => {
    fc.assert(
      fc.property(fc.nat(200_000_000), ms => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe('ages', () => {
  it.each([
    [-5_000, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [192_000, '3m12s'],
    [7_500_000, '2h05m'],
    [(4 * 24 + 7) * 3_600_000, '4d07h'],
  ])('of %d ms is %s', (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });
});
