import { Installation } from '../test/support/installation';
import { interleave, percentile, sampleCount, type Benchmark, type Claim, type Series } from './harness';
import { PAGE, PAGE_BY_TWO_LABELS, pageLane } from './page-lanes';
import { Population } from './population';

const CALLS = 300;

/** With fewer, a page of those with both labels is not full. */
const LEAST = 5_000;

/** How many of the retained sessions have a whole history; for the others only row and indexes count. */
const WITH_HISTORY = 10_000;

/** What sessions that have ended cost: memory, and the time of a page out of ever more of them. */
export const scaleRetained: Benchmark = {
  name: 'scale-retained',
  title: 'retained sessions: memory of Redis, and a page of 50 by two labels, through HTTP',
  run: async plan => {
    const total = sampleCount(plan, 1_000_000, 10_000);
    const sizes = [total / 100, total / 10, total].filter(size => size >= LEAST);
    if (sizes.length === 0) throw new Error(`at least ${LEAST} sessions are needed`);
    const population = await Population.open();
    const series: Series[] = [];
    let api: Installation | null = null;
    try {
      const emptyBytes = await population.memoryBytes();
      const lived = Math.min(WITH_HISTORY, ...sizes);
      await population.lived(lived);
      await population.packed();
      const bytesEach = ((await population.memoryBytes()) - emptyBytes) / lived;
      let made = lived;
      let pageMs: number[] = [];
      for (const size of sizes) {
        await population.ended(size - made);
        await population.packed();
        made = size;
        api = await Installation.start({ mode: 'api', env: { REDIS_URL: population.fixture.server.url } });
        const { labelled, plain } = await interleave(CALLS, {
          labelled: pageLane(api, PAGE_BY_TWO_LABELS),
          plain: pageLane(api, PAGE),
        });
        pageMs = labelled;
        series.push({ name: `page by two labels of ${size}`, unit: 'ms', values: labelled });
        series.push({ name: `page of ${size}`, unit: 'ms', values: plain });
        await api.stop();
        api = null;
      }
      const claims: Claim[] = [
        { text: 'a session with its history', unit: 'B', value: bytesEach, pass: { atMost: 1_400 } },
        { text: 'page by two labels, p99', unit: 'ms', value: percentile(pageMs, 0.99), pass: { atMost: 5 } },
      ];
      const gigabytes = ((await population.memoryBytes()) / 2 ** 30).toFixed(2);
      return {
        series,
        claims,
        notes: [
          `${lived} sessions have lived; the others were released before they had a browser`,
          `Redis used ${gigabytes} GiB in the end`,
        ],
      };
    } finally {
      await api?.stop();
      await population.close();
    }
  },
};
