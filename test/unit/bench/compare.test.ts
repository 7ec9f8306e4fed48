import type { Contestant, Taken } from '../../../bench/compare/contestant';
import { compare, rowsOf, type Row } from '../../../bench/compare/measure';
import { renderChart, renderTable } from '../../../bench/compare/render';

/* How contestants are compared, with browsers that cost nothing. */

const ROUNDS = 3;

/** A contestant that notes what it is asked for. */
function contestant(name: string, journal: string[], taken: Partial<Taken> = {}): Contestant {
  const noted = (what: string): Promise<void> => {
    journal.push(`${name} ${what}`);
    return Promise.resolve();
  };
  return {
    name,
    prepare: () => noted('prepare'),
    take: async () => {
      await noted('take');
      const evaluate = (): Promise<unknown> => Promise.resolve(2);
      return { load: () => noted('load'), evaluate, end: () => noted('end'), ...taken };
    },
    close: () => Promise.resolve(),
  };
}

describe('a comparison', () => {
  it('asks every contestant in every round, in an order that rotates, and drops the first round', async () => {
    const journal: string[] = [];
    const found = await compare([contestant('a', journal), contestant('b', journal)], ROUNDS);
    expect(journal.filter(line => line.endsWith('take'))).toEqual(
      ['a', 'b', 'b', 'a', 'a', 'b', 'b', 'a'].map(name => `${name} take`),
    );
    expect(journal.slice(0, 4)).toEqual(['a prepare', 'a take', 'a load', 'a end']);
    for (const { values } of found)
      expect(Object.values(values).map(({ length }) => length)).toEqual([ROUNDS, ROUNDS, ROUNDS, ROUNDS]);
  });

  it('goes on after a failure, ends that browser, and says how often and why', async () => {
    const journal: string[] = [];
    const broken = contestant('b', journal, { load: () => Promise.reject(new Error('no page')) });
    const [, found] = await compare([contestant('a', journal), broken], ROUNDS);
    expect(found?.failures).toEqual(Array.from({ length: ROUNDS + 1 }, () => 'no page'));
    expect(found?.values.answered).toEqual([]);
    expect(journal.filter(line => line === 'b end')).toHaveLength(ROUNDS + 1);
  });
});

describe('a result', () => {
  const samples = (name: string, ms: number): Parameters<typeof rowsOf>[0][number] => ({
    name,
    values: { answered: [ms, ms], loaded: [ms, ms], evaluate: [ms, ms], ended: [ms, ms] },
    failures: [],
  });
  const rows = rowsOf([samples('launch', 200), samples('<ours>', 50)]);
  const silent: Row[] = rowsOf([
    samples('launch', 200),
    {
      name: 'silent',
      values: { answered: [], loaded: [], evaluate: [], ended: [] },
      failures: ['refused', 'refused'],
    },
  ]);

  it('has the ratio of the medians to the first contestant', () => {
    expect(rows.map(({ figures }) => figures.answered.ratio)).toEqual([1, 0.25]);
    expect(renderTable(rows)).toContain('| <ours> | 50 / 50 / 50 (0.25 ×) |');
  });

  it('has a chart with a bar for each contestant', () => {
    const chart = renderChart(rows, 'answered');
    expect(chart.match(/<rect x="170"/g)).toHaveLength(2);
    expect(chart).toContain('&#60;ours&#62;');
    expect(chart).not.toContain('NaN');
  });

  it('says of a contestant without samples that it has failed', () => {
    expect(renderTable(silent)).toContain('| silent | – | – | – | – |');
    expect(renderTable(silent)).toContain('silent failed 2 times: refused');
    expect(renderChart(silent, 'ended')).not.toContain('NaN');
  });
});
