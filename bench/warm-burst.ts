import type { Installation } from '../test/support/installation';
import { BareChromium } from './bare-chromium';
import { interleave, percentile, ratioOfMedians, roundCount, timed, type Benchmark } from './harness';
import { launchAtOnce, withPool } from './measured-pool';

const AT_ONCE = 10;

/**
 * How long callers wait for ten sessions that they create at the same time, with a browser ready for each. The baseline
 * is Puppeteer starting ten.
 */
export const warmBurst: Benchmark = {
  name: 'warm-burst',
  title: `${AT_ONCE} creates at once, with browsers that were started ahead`,
  run: async plan => {
    const bare = await BareChromium.find();
    const each: number[][] = [];
    const { samples, cold } = await withPool(AT_ONCE, async pool => {
      // The first burst teaches the pool that there are such bursts.
      await createAtOnce(pool.installation);
      await pool.release();
      const coldBefore = await pool.coldStarts();
      const found = await interleave(roundCount(plan, 10, 1), {
        all: async () => {
          await pool.untilReady(AT_ONCE);
          const { tookMs, result } = await timed(() => createAtOnce(pool.installation));
          each.push(result);
          await pool.release();
          return tookMs;
        },
        launches: async () => {
          await pool.untilReady(AT_ONCE);
          return launchAtOnce(bare, AT_ONCE);
        },
      });
      return { samples: found, cold: (await pool.coldStarts()) - coldBefore };
    });
    // The first round is not counted.
    const counted = each.slice(1).flat();
    return {
      series: [
        { name: `${AT_ONCE} creates at once, each`, unit: 'ms', values: counted },
        { name: `${AT_ONCE} creates at once, all`, unit: 'ms', values: samples.all },
        { name: `${AT_ONCE} puppeteer.launch() at once, all`, unit: 'ms', values: samples.launches },
      ],
      claims: [
        {
          text: `${AT_ONCE} creates × ${AT_ONCE} puppeteer.launch()`,
          unit: '×',
          ...ratioOfMedians(samples.all, samples.launches),
          pass: { atMost: 0.3 },
        },
        {
          text: `${AT_ONCE} creates at once, each, p99`,
          unit: 'ms',
          value: percentile(counted, 0.99),
          pass: { atMost: 150 },
        },
      ],
      notes: [
        `${cold} of ${each.flat().length} sessions started cold`,
        'same executable, user and sandbox on both sides',
      ],
    };
  },
};

function createAtOnce(installation: Installation): Promise<number[]> {
  const create = async (): Promise<number> => (await timed(() => installation.create())).tookMs;
  return Promise.all(Array.from({ length: AT_ONCE }, create));
}
