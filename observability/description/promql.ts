/** The window of rates in panels. */
export const WINDOW = '$__rate_interval';

/** Per second, summed over all processes; `by` names the labels that stay. */
export const rate = (series: string, by = '', window = WINDOW): string =>
  `sum${by === '' ? '' : ` by (${by}) `}(rate(${series}[${window}]))`;

/** How often within a window, summed over all processes. */
export const increase = (series: string, by = '', window = WINDOW): string =>
  `sum${by === '' ? '' : ` by (${by}) `}(increase(${series}[${window}]))`;

/** A quantile of a histogram over all processes; `selector` includes its braces. */
export function quantile(q: number, histogram: string, selector = '', by = '', window = WINDOW): string {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${q}, sum by (${labels}) (rate(${histogram}_bucket${selector}[${window}])))`;
}

/** The three quantiles that panels show, as queries. */
export const quantiles = (histogram: string, selector = ''): { expr: string; legend: string }[] =>
  [0.5, 0.95, 0.99].map(q => ({ expr: quantile(q, histogram, selector), legend: `p${q * 100}` }));

/** A number about the whole installation: every API exports the same one, so take the maximum, never the sum. */
export const cluster = (gauge: string, by = ''): string => `max${by === '' ? '' : ` by (${by}) `}(${gauge})`;

/**
 * How long callbacks of a process wait, p99 since the last scrape, in seconds. The metric is the distance of two
 * samples of the event loop, 100 ms if nothing is late.
 */
export const EVENT_LOOP_LAG = 'max by (job, instance) (holdfast_nodejs_eventloop_lag_p99_seconds) - 0.1';
