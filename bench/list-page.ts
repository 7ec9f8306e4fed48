import { Installation } from '../test/support/installation';
import { interleave, percentile, ratioOfMedians, sampleCount, type Benchmark } from './harness';
import { livezLane, PAGE, PAGE_BY_TWO_LABELS, pageLane } from './page-lanes';
import { Population } from './population';

/**
 * A page of 50 through HTTP, out of many retained sessions, by two labels. The baselines are a page without filters,
 * and `/livez`, which asks no other process.
 */
export const listPage: Benchmark = {
  name: 'list-page',
  title: 'a page of 50 by two labels, through HTTP',
  run: async plan => {
    const sessions = plan.quick ? 10_000 : 100_000;
    const population = await Population.open();
    let api: Installation | null = null;
    try {
      await population.ended(sessions);
      api = await Installation.start({ mode: 'api', env: { REDIS_URL: population.fixture.server.url } });
      const samples = await interleave(sampleCount(plan, 500, 50), {
        filtered: pageLane(api, PAGE_BY_TWO_LABELS),
        plain: pageLane(api, PAGE),
        bare: livezLane(api),
      });
      const { filtered, plain, bare } = samples;
      return {
        series: [
          { name: 'page by two labels', unit: 'ms', values: filtered },
          { name: 'page without filter', unit: 'ms', values: plain },
          { name: '/livez', unit: 'ms', values: bare },
        ],
        claims: [
          {
            text: 'page by two labels, p99',
            unit: 'ms',
            value: percentile(filtered, 0.99),
            pass: { atMost: 10 },
          },
          { text: 'by two labels × without filter', unit: '×', ...ratioOfMedians(filtered, plain) },
        ],
        notes: [`${sessions} retained sessions; one of a hundred carries both labels`],
      };
    } finally {
      await api?.stop();
      await population.close();
    }
  },
};
