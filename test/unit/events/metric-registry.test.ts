import { MetricRegistry, MirroredCounter } from '../../../src/metrics/metric-registry';

const lines = async (registry: MetricRegistry): Promise<string[]> =>
  (await registry.text()).split('\n').filter(line => line !== '' && !line.startsWith('#'));

describe('a metric', () => {
  const registry = (): MetricRegistry => new MetricRegistry();

  it('counts label values outside their set as one other', async () => {
    const metrics = registry();
    const counter = metrics.counter({ name: 'a_total', help: 'A.', labels: { kind: ['x'] } });
    for (const kind of ['x', 'y', '__proto__', 'constructor', '', 'x"} 1\n', '💥'.repeat(1_000)])
      counter.inc({ kind });
    expect(await lines(metrics)).toEqual([
      'holdfast_a_total{kind="x"} 1',
      'holdfast_a_total{kind="other"} 6',
    ]);
  });

  it('takes numbers for label values, and no label that it does not have', async () => {
    const metrics = registry();
    const histogram = metrics.histogram({
      name: 'b_seconds',
      help: 'B.',
      labels: { code: [200] },
      buckets: [1],
    });
    const given: Record<'code', number> = { code: 200 };
    histogram.observe({ ...given, ...{ user: 'somebody' } }, 0.5);
    expect(await lines(metrics)).toContain('holdfast_b_seconds_count{code="200"} 1');
  });

  it('begins at 0 where its label values are few', async () => {
    const metrics = registry();
    const few = Array.from({ length: 8 }, (_, i) => i);
    metrics.counter({ name: 'c_total', help: 'C.', labels: { a: few, b: few } });
    metrics.counter({ name: 'd_total', help: 'D.', labels: { a: few, b: [...few, 8] } });
    const shown = await lines(metrics);
    expect(shown.filter(line => line.startsWith('holdfast_c_total'))).toHaveLength(64);
    expect(shown.filter(line => line.startsWith('holdfast_d_total'))).toEqual([]);
  });

  it('shows only the declared combinations of labels when not all of them make sense', async () => {
    const metrics = registry();
    const labels = { a: ['x', 'y'], b: ['x', 'y'] };
    metrics.counter({ name: 'e_total', help: 'E.', labels, zeroed: [{ a: 'x', b: 'y' }] });
    expect(await lines(metrics)).toEqual(['holdfast_e_total{a="x",b="y"} 0']);
  });

  it('is not on the page as a gauge that was never measured, or that was cleared', async () => {
    const metrics = registry();
    const plain = metrics.gauge({ name: 'f', help: 'F.' });
    const labelled = metrics.gauge({ name: 'g', help: 'G.', labels: { kind: ['x'] } });
    expect(await lines(metrics)).toEqual([]);
    plain.set({}, 1);
    labelled.set({ kind: 'x' }, 2);
    expect(await lines(metrics)).toEqual(['holdfast_f 1', 'holdfast_g{kind="x"} 2']);
    plain.clear();
    labelled.clear();
    expect(await lines(metrics)).toEqual([]);
  });
});

describe('a counter of another program', () => {
  it('rises by the new part, and goes on when the other counter starts again at zero', async () => {
    const metrics = new MetricRegistry();
    const mirrored = new MirroredCounter(metrics.counter({ name: 'h_total', help: 'H.' }), {});
    for (const total of [5, 5, 8, 2, 3]) mirrored.update(total);
    expect(await lines(metrics)).toEqual(['holdfast_h_total 11']);
  });
});
