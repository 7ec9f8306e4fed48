import { Installation } from '../test/support/installation';
import { percentile, sampleCount, timed, type Benchmark, type Claim, type Series } from './harness';
import { ONE_OF_A_HUNDRED, Population } from './population';

const PAGE_SIZE = 50;
const CALLS = 300;

/** How many of the retained sessions have a whole history; for the others only row and indexes count. */
const WITH_HISTORY = 20_000;

/** What sessions that have ended cost: memory, and the time of a page out of ever more of them. */
export const scaleRetained: Benchmark = {
  name: 'scale-retained',
  title: 'retained sessions: memory of Redis, and a page of 50 by two labels, through HTTP',
  run: async plan => {
    const total = sampleCount(plan, 1_000_000, 10_000);
    const population = await Population.open();
    const series: Series[] = [];
    let api: Installation | null = null;
    try {
      const emptyBytes = await population.memoryBytes();
      const lived = Math.min(WITH_HISTORY, total / 100);
      await population.lived(lived);
      const bytesEach = ((await population.memoryBytes()) - emptyBytes) / lived;
      let made = lived;
      let pageMs: number[] = [];
      for (const size of [total / 100, total / 10, total]) {
        await population.ended(size - made);
        made = size;
        api = await Installation.start({ mode: 'api', env: { REDIS_URL: population.fixture.server.url } });
        pageMs = await pageTimes(api, `/v1/sessions?labelSelector=${encodeURIComponent(ONE_OF_A_HUNDRED)}`);
        series.push({ name: `page by two labels of ${size}`, unit: 'ms', values: pageMs });
        series.push({ name: `page of ${size}`, unit: 'ms', values: await pageTimes(api, '/v1/sessions') });
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

async function pageTimes(api: Installation, path: string): Promise<number[]> {
  const values: number[] = [];
  for (let call = 0; call <= CALLS; call += 1) {
    const { tookMs, result } = await timed(() =>
      api.call<{ readonly sessions?: readonly unknown[] }>('GET', path),
    );
    if (result.body.sessions?.length !== PAGE_SIZE) throw new Error('the page is not full');
    if (call > 0) values.push(tookMs);
  }
  return values;
}
