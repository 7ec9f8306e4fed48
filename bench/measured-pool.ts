import { pollUntil } from '../src/core/abort';
import { freePort } from '../test/support/free-port';
import { Installation } from '../test/support/installation';
import { workerFigure } from '../test/support/worker-figures';
import type { BareChromium } from './bare-chromium';
import { timed } from './harness';

const READY_TIMEOUT_MS = 300_000;

/** What a start still does when its browser is ready; a pool that has just filled up is not what is measured. */
const SETTLE_MS = 500;

/** An installation, and what its worker says of its pool. */
export class MeasuredPool {
  constructor(
    readonly installation: Installation,
    private readonly metricsPort: number,
  ) {}

  /** How long some work takes with a browser ready. */
  async measure(work: () => Promise<unknown>): Promise<number> {
    await this.untilReady(1);
    const { tookMs } = await timed(work);
    await this.release();
    return tookMs;
  }

  async release(): Promise<void> {
    await this.installation.call('POST', '/v1/sessions/release');
  }

  async untilReady(count: number): Promise<void> {
    await pollUntil(
      `${count} browsers to be ready`,
      { timeoutMs: READY_TIMEOUT_MS, everyMs: 100 },
      async () =>
        (await this.#figure('holdfast_worker_slots{state="warm"}')) >= count &&
        (await this.#figure('holdfast_worker_slots{state="used"}')) === 0
          ? true
          : undefined,
    );
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
  }

  /** How many sessions have got a browser that was started for them. */
  async coldStarts(): Promise<number> {
    return this.#figure('holdfast_browser_launches_total{start="cold"}');
  }

  #figure(series: string): Promise<number> {
    return workerFigure(this.metricsPort, series);
  }
}

/** Runs some work on an installation that keeps so many browsers ready, with twice as many slots. */
export async function withPool<T>(
  warmBrowsers: number,
  work: (pool: MeasuredPool) => Promise<T>,
): Promise<T> {
  const metricsPort = await freePort();
  const installation = await Installation.start({
    browser: 'chromium',
    env: {
      HOLDFAST_SLOTS: String(2 * warmBrowsers),
      HOLDFAST_WARM_BROWSERS: String(warmBrowsers),
      HOLDFAST_METRICS_PORT: String(metricsPort),
    },
  });
  try {
    return await work(new MeasuredPool(installation, metricsPort));
  } finally {
    await installation.stop();
  }
}

/** How long Puppeteer takes for so many browsers at once. */
export async function launchAtOnce(bare: BareChromium, count: number): Promise<number> {
  const launches = await Promise.all(Array.from({ length: count }, () => bare.prepare('on')));
  const { tookMs, result } = await timed(() => Promise.all(launches.map(launch => launch())));
  await Promise.all(result.map(launched => launched.close()));
  return tookMs;
}
