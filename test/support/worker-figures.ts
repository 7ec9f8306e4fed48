/**
 * A figure of a worker's `/metrics`; NaN if it is not there.
 *
 * @param series - name and labels as the page has them
 */
export async function workerFigure(metricsPort: number, series: string): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const line = page.split('\n').find(candidate => candidate.startsWith(series));
  return Number(line?.slice(series.length) ?? Number.NaN);
}
