import { interleave, passes, percentile, ratioOfMedians, sampleCount } from '../../../bench/harness';

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);

  it.each([
    [0.5, 50],
    [0.95, 95],
    [0.99, 99],
    [1, 100],
    [0, 1],
  ])('at %p of 1 … 100 is %p, in whatever order they came', (p, expected) => {
    expect(percentile(hundred, p)).toBe(expected);
  });

  it('of one sample is that sample, of none is not a number', () => {
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe('interleaving', () => {
  it('measures each lane once a round in an order that rotates, and drops the round that warms up', async () => {
    const order: string[] = [];
    const lane = (name: string) => (): Promise<number> => Promise.resolve(order.push(name));
    const samples = await interleave(2, { a: lane('a'), b: lane('b') });
    expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
    expect(samples).toEqual({ a: [4, 5], b: [3, 6] });
  });
});

describe('a ratio', () => {
  it('is that of the medians, within its interval', () => {
    const measured = [10, 20, 30, 40, 1_000];
    const { value, interval = [0, 0] } = ratioOfMedians(measured, [10, 10, 10]);
    expect(value).toBe(3);
    expect(interval[0]).toBeLessThanOrEqual(value);
    expect(interval[1]).toBeGreaterThanOrEqual(value);
  });
});

describe('a claim', () => {
  const claim = { text: '', unit: 'ms', value: 5 } as const;

  it.each([
    [{ atMost: 5 }, true],
    [{ atMost: 4.9 }, false],
    [{ atLeast: 5 }, true],
    [{ atLeast: 5.1 }, false],
  ])('of 5 that has to be %j passes: %p', (pass, expected) => {
    expect(passes({ ...claim, pass })).toBe(expected);
  });

  it('without a mark passes, one that is not a number does not', () => {
    expect(passes(claim)).toBe(true);
    expect(passes({ ...claim, value: Number.NaN, pass: { atMost: 5 } })).toBe(false);
  });
});

describe('the number of samples', () => {
  it('is what was asked for, else what the benchmark wants for a long or a short run', () => {
    expect(sampleCount({ quick: true, samples: 3 }, 100, 10)).toBe(3);
    expect(sampleCount({ quick: false, samples: null }, 100, 10)).toBe(100);
    expect(sampleCount({ quick: true, samples: null }, 100, 10)).toBe(10);
  });
});
